"""Amazon DynamoDB's data plane: items are read and written as plain DynamoDB JSON."""
