"""The settings, macros and Python functions of the DuckDB connection that runs statements."""
