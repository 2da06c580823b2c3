"""The static site: the executed notebooks and the documents around them, searchable, without a server."""
