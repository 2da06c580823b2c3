"""Athena's functions by topic: their signatures, result types, and DuckDB's SQL."""
