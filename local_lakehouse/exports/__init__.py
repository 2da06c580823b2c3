"""DynamoDB's exports to S3: a table at a point in time, and the changes between two times."""
