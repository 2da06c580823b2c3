"""Learn and do Amazon DynamoDB zero-ETL integration with Amazon SageMaker Lakehouse."""
