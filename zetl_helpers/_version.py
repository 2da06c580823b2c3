"""The version of the distribution that contains both packages."""

__version__ = "0.2.0"
