"""Trino's and Hive's grammar: from a statement's text to its tree."""
