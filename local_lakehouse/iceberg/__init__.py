"""Iceberg tables in the S3 buckets of the lakehouse."""
