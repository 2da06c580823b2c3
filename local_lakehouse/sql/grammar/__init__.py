"""Trino's and Hive's grammar: a statement's text to its tree."""
