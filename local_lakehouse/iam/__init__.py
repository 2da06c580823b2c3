"""IAM as AWS enforces it: each request that arrives is checked against the policies of who signed it."""
