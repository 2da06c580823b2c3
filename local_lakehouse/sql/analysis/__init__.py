"""Translation of a statement's tree to DuckDB's SQL, with types by Trino's rules."""
