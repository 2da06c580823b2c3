"""Processes that run DuckDB: one statement per process, with limits enforced by the operating system."""
