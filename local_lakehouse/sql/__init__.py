"""The translation of Athena SQL, which has the grammar and types of Trino, to DuckDB SQL."""
