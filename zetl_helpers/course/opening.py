"""The function that opens a chapter, and the card that it shows."""

from __future__ import annotations

import html
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import zetl_helpers
from zetl_helpers import _place
from zetl_helpers._counts import counted
from zetl_helpers._steps import Step
from zetl_helpers.course import chapters, exercises, places
from zetl_helpers.lab import Lab

__all__ = ["ChapterCard", "open_chapter"]

_CLEAN_UP = 12


@dataclass(frozen=True)
class ChapterCard:
    """The card at the top of a chapter, with the connection, the created resources and the state of the exercises.

    Args:
        lab: The lab.
        exercises: The chapter's exercises.
        caught_up: The steps that changed something, as returned by `catch_up_steps`.
        console: The pages of the practice console for the chapter's steps, with their addresses. There are none if the
            console cannot be opened.
    """

    lab: Lab
    exercises: exercises.Chapter
    caught_up: Sequence[Step]
    console: Sequence[tuple[places.Place, str]] = ()

    @property
    def head(self) -> str:
        """The chapter and its target, as a sentence."""
        where = "the local lakehouse on this computer" if self.lab.target == "local" else "AWS"
        return f"Chapter {self.exercises.number} is ready on {where}, account {self.lab.account}, {self.lab.region}."

    @property
    def done(self) -> str:
        """The resources that were created, as a sentence."""
        if self.exercises.number == _CLEAN_UP:
            return "This chapter creates nothing."
        if not self.caught_up:
            return "Nothing was missing from earlier chapters."
        return f"Caught up: {'; '.join(map(str, self.caught_up))}."

    def __repr__(self) -> str:
        parts = [self.head, self.done, repr(self.lab)]
        if self.exercises.questions:
            parts.append(repr(self.exercises))
        return "\n\n".join(parts)

    def _repr_html_(self) -> str:
        # Only chapters 0 and 12 have no exercises, so their cards show the names of the lab's resources.
        unfolded = "" if self.exercises.questions else " open"
        return "".join(
            (
                f"<p><b>{html.escape(self.head)}</b></p>",
                self._caught_up_html(),
                f"<details{unfolded}><summary>Names of the lab's resources</summary>{self.lab._repr_html_()}</details>",
                self._console_html(),
                self.exercises._repr_html_() if self.exercises.questions else "",
            )
        )

    def _caught_up_html(self) -> str:
        if not self.caught_up:
            return f"<p>{self.done}</p>"
        steps = "".join(f"<li>{html.escape(str(step))}</li>" for step in self.caught_up)
        summary = f"Caught up: {counted(len(self.caught_up), 'step')} from earlier chapters"
        return f"<details><summary>{summary}</summary><ul>{steps}</ul></details>"

    def _console_html(self) -> str:
        if not self.console:
            return ""
        links = "".join(
            f"<li>{html.escape(place.step)}: "
            f"<a href='{html.escape(address)}' target='_blank' rel='noopener'>{html.escape(place.title)}</a></li>"
            for place, address in self.console
        )
        return (
            f"<details><summary>In the console: open a step in the practice console</summary><ul>{links}</ul></details>"
        )


def open_chapter(number: int) -> tuple[Lab, exercises.Chapter]:
    """Connect, create any missing resources that the chapter needs, and show the chapter's card.

    Args:
        number: The chapter's number, from 0 to 13.

    Returns:
        The lab, and the exercises as ``q1``, ``q2`` and so on, if the chapter has any.

    Raises:
        ConnectionRefusedByLabError: The target is not usable (see `connect`).
        IntegrationError: The integration needs attention, and catching up did not fix the cause.
        SettingsError: A setting is invalid.
        ValueError: The chapter does not exist.
        WaitTimeoutError: An asynchronous step on AWS did not finish in time.
    """
    lab = zetl_helpers.connect()
    steps = chapters.catch_up_steps(lab, number)
    chapter = exercises.chapter(lab, number) if number in exercises.ALL else exercises.Chapter(number, ())
    display = _display()
    if display is None:
        print(ChapterCard(lab, chapter, steps))  # noqa: T201
    else:
        display(ChapterCard(lab, chapter, steps, console_links(lab, number)))
    return lab, chapter


def console_links(lab: Lab, number: int) -> list[tuple[places.Place, str]]:
    """Return the pages of the practice console for a chapter's steps, with their addresses.

    Args:
        lab: The lab.
        number: The chapter's number.

    Returns:
        The pages. There are none on AWS, or if the browser is running on a different computer than this process.
        ``ZETL_CONSOLE=off`` turns the links off.
    """
    wanted = places.PLACES.get(number, ())
    elsewhere = "JUPYTERHUB_SERVICE_PREFIX" in os.environ or _place.METADATA.exists()
    if not wanted or lab.endpoint is None or elsewhere or os.environ.get("ZETL_CONSOLE") == "off":
        return []
    from zetl_helpers.console import open_for

    return [(place, open_for(lab, place.address(lab)).url) for place in wanted]


def _display() -> Any:
    """Return the function that shows an object below the notebook's cell, or None if no notebook is running."""
    ipython: Any = sys.modules.get("IPython")
    return None if ipython is None or ipython.get_ipython() is None else ipython.display.display
