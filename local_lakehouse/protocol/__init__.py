"""AWS's protocols, based on botocore's service models."""
