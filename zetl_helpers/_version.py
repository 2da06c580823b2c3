"""The version of the distribution, which both packages share."""

__version__ = "0.2.0"
