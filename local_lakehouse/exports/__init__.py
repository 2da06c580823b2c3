"""Full and incremental exports of DynamoDB tables to S3."""
