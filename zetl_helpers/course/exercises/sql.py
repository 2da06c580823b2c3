"""Judges SQL by the rows that it gives: any statement with the right rows is right."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from zetl_helpers.course.exercises import frames
from zetl_helpers.course.exercises.engine import IncorrectError
from zetl_helpers.lab import Lab
from zetl_helpers.lakehouse import query

_BEFORE = r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*"
_READS = re.compile(_BEFORE + r"(?:select|with|values|table)\b", re.IGNORECASE | re.DOTALL)
_FIRST_WORD = re.compile(_BEFORE + r"(\S{1,40})", re.DOTALL)


@dataclass(frozen=True)
class Slip:
    """A typical mistake: an answer with the same rows as `sql` has made it.

    Args:
        sql: A statement that makes the mistake.
        says: What to say about it.
    """

    sql: str
    says: str


@dataclass(frozen=True)
class Sql:
    """Judges one SELECT.

    Args:
        right: A statement that gives the right rows.
        one_row_for: What each row stands for, such as "state".
        key: The columns that tell one row from another.
        slips: Typical mistakes; their statements run only for answers that are not right.
        ordered: Whether the order of the rows counts.
        params: Returns the values of ``:name`` in `right` and in the slips, from the lab.
    """

    right: str
    one_row_for: str
    key: Sequence[str]
    slips: Sequence[Slip] = ()
    ordered: bool = False
    params: Callable[[Lab], dict[str, Any]] = lambda _: {}

    def __call__(self, lab: Lab, answer: Any) -> None:
        """Judge an answer.

        Raises:
            IncorrectError: It gives other rows.
            QueryError: Athena refuses it.
        """
        if not isinstance(answer, str):
            raise IncorrectError(f"The answer is a statement, as a text; yours is a {type(answer).__name__}.")
        if not _READS.match(answer):
            word = _FIRST_WORD.match(answer)
            yours = f" Yours begins with {word[1]}." if word else ""
            raise IncorrectError(
                f"The answer is one SELECT: nothing else runs here, so that the table stays as it is.{yours}"
            )
        params = self.params(lab)
        given = query(lab, answer.strip().rstrip(";"))
        right = query(lab, self.right, **params)
        try:
            frames.compare(right, given, one_row_for=self.one_row_for, key=self.key, ordered=self.ordered)
        except IncorrectError:
            if not frames.same_rows(right, given):
                self._name_the_slip(lab, given, params)
            raise

    def _name_the_slip(self, lab: Lab, given: pd.DataFrame, params: dict[str, Any]) -> None:
        for slip in self.slips:
            if frames.same_rows(given, query(lab, slip.sql, **params)):
                raise IncorrectError(slip.says) from None
