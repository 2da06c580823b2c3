"""Translation of Athena SQL, with Trino's grammar and types, to DuckDB SQL."""
