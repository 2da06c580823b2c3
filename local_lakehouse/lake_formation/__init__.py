"""The local implementation of AWS Lake Formation."""
