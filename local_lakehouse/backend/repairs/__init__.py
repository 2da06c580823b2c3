"""Fixes for moto responses that differ from AWS and that setup and cleanup rely on.

Each module has an idempotent `apply`.
"""
