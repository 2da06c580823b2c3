"""The DuckDB connection that runs statements: its settings, macros and Python functions."""
