"""The data plane of Amazon DynamoDB: items are read and written as plain DynamoDB JSON."""
