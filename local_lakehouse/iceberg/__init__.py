"""Iceberg tables in the lakehouse's S3."""
