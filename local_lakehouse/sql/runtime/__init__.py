"""The DuckDB in which statements run: its settings, macros and Python functions."""
