"""Processes that each run one DuckDB statement at a time, with limits on memory and disk space."""
