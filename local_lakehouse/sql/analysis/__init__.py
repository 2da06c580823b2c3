"""Translation of a statement's syntax tree to typed DuckDB SQL."""
