"""The version of the distribution; both packages have it."""

__version__ = "0.2.0"
