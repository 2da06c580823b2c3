"""The local implementation of Amazon Athena's API, SQL dialect and tables."""
