"""The local AWS Glue zero-ETL service: DynamoDB tables replicated into Apache Iceberg tables."""
