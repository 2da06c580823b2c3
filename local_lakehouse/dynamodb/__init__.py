"""Amazon DynamoDB's data plane, which reads and writes items as plain DynamoDB JSON."""
