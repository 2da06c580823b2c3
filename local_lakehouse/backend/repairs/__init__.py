"""Answers of moto that differ from AWS's in what set-up and clean-up rely on, put right.

Each module has an `apply` that may be called again.
"""
