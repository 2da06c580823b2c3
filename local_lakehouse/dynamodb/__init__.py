"""The Amazon DynamoDB data plane, which reads and writes items as plain DynamoDB JSON."""
