"""The address: requests in, answers out."""
