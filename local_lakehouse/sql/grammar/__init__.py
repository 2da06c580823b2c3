"""Parsers for Trino's and Hive's grammars, which convert a statement's text to its tree."""
