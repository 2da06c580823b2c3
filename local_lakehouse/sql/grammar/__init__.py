"""Parsers that convert statements in Trino's and Hive's grammars to syntax trees."""
