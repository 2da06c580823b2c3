"""Package of the policy templates, which is installed with zetl_helpers."""
