"""Amazon Athena on this computer: the API, the SQL dialect and the tables."""
