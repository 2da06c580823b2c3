"""The sample data, as a package, so that it is installed with zetl_helpers."""
