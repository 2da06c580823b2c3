"""Athena's SQL: parsed with Trino's grammar, typed by Trino's rules, written as DuckDB's SQL."""
