"""The translation of a statement's tree to DuckDB's SQL, with Trino's types."""
