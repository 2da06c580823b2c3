"""Statements that write rows: INSERT, CTAS, UNLOAD, UPDATE, DELETE, MERGE, OPTIMIZE, VACUUM."""
