"""Fixes for moto's responses that differ from AWS's where set-up and clean-up rely on them.

Each module has an idempotent `apply`.
"""
