"""The statements that write, rewrite or delete data files."""
