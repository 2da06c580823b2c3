"""AWS's protocols over botocore's service models."""
