"""The sample data, as a package, so that they travel with zetl_helpers."""
