"""The endpoint, which receives requests and returns responses."""
