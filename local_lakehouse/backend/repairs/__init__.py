"""Fixes for moto responses that set-up and clean-up rely on and that differ from AWS.

Each module has an idempotent `apply`.
"""
