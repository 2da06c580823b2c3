"""The errors that are told to a person."""


class UserError(Exception):
    """Something cannot be done; the text says why and what to do, and is all that a command shows."""
