"""The searchable static site of the executed notebooks and the documents."""
