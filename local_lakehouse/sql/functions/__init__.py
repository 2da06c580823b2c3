"""Athena's functions, by topic: how each is called, what it returns, and DuckDB's SQL for it."""
