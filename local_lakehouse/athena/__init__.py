"""Amazon Athena on this computer: the API, the dialect, the tables."""
