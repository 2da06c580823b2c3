"""The translation of a statement's tree to typed DuckDB SQL."""
