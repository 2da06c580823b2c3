"""Fixes for moto responses that differ from AWS's responses.

Each module has an idempotent function, `apply`.
"""
