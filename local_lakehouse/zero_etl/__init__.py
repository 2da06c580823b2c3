"""The local AWS Glue zero-ETL service, which replicates DynamoDB tables to Apache Iceberg tables."""
