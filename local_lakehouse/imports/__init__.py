"""Amazon DynamoDB imports from S3."""
