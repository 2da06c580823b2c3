"""The DuckDB that runs statements: its settings, macros and Python functions."""
