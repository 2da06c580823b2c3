"""Parsers for Trino's and Hive's grammars, which convert the text of a statement to a syntax tree."""
