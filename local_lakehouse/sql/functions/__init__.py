"""The signatures, result types and DuckDB SQL of Athena's functions, by topic."""
