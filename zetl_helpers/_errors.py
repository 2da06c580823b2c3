"""Errors that are shown to the user."""


class UserError(Exception):
    """An operation is not possible; the message says why and what to do, and a command prints only the message."""
