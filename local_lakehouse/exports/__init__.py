"""DynamoDB's full and incremental exports to S3."""
