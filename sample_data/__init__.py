"""Package of the sample data, which is installed with zetl_helpers."""
