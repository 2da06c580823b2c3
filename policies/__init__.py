"""The policy templates, as a package, so that they are installed with zetl_helpers."""
