"""The refresh intervals that AWS accepts."""

SHORTEST_REFRESH, LONGEST_REFRESH = 15, 8640


def require_interval(minutes: int) -> None:
    """Check that AWS accepts a refresh interval.

    Args:
        minutes: The interval in minutes.

    Raises:
        ValueError: The interval is too short or too long.
    """
    if not SHORTEST_REFRESH <= minutes <= LONGEST_REFRESH:
        raise ValueError(
            f"The refresh interval {minutes} is out of range. "
            f"AWS accepts {SHORTEST_REFRESH} to {LONGEST_REFRESH} minutes."
        )
