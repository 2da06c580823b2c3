"""Numbers with their nouns, in messages and titles."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun in the singular or plural.

    Args:
        count: The number.
        noun: The noun in the singular.
        plural: The noun in the plural (default: the singular with an "s").
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
