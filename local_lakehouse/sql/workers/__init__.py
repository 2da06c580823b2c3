"""Processes that each run one DuckDB statement, with limits enforced by the operating system."""
