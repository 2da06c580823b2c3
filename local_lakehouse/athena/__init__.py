"""Amazon Athena on this machine: the API, the dialect, the tables."""
