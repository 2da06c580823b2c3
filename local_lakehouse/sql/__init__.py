"""Athena's SQL: read as Trino's grammar has it, typed by Trino's rules, written as DuckDB's SQL."""
