"""The translation of Athena's SQL, with Trino's grammar and types, to DuckDB's SQL."""
