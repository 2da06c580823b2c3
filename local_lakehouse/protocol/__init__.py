"""The AWS protocols, based on botocore's service models."""
