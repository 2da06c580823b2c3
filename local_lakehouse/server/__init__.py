"""The endpoint: requests in, responses out."""
