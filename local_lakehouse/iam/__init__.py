"""IAM enforcement as on AWS: each request is checked against the policies of its signer."""
