"""IAM enforcement, which checks each request against its signer's policies as AWS does."""
