"""Processes that run DuckDB: each statement in one of them, with limits that the operating system enforces."""
