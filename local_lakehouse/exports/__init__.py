"""DynamoDB's exports to S3: the table at a point in time, and what changed between two."""
