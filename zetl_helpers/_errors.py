"""Errors that are shown to the user."""


class UserError(Exception):
    """An operation is not possible. The message says why and what to do. A command prints only the message."""


class StudioSetupError(UserError):
    """A domain or project cannot be created or deleted. The message says what is missing and who can provide it."""


def as_sentence(message: object) -> str:
    """Return an error's message with a period at the end, so that another sentence can follow."""
    text = str(message).rstrip()
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
