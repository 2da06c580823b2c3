"""Imports of DynamoDB tables from S3."""
