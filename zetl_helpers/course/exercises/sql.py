"""Judges for SQL statements, which accept any statement that returns the correct rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from zetl_helpers.course.exercises import frames
from zetl_helpers.course.exercises.clauses import filters, is_grouped, without_having
from zetl_helpers.course.exercises.descriptions import kind_of
from zetl_helpers.course.exercises.engine import IncorrectError, UnreadableError
from zetl_helpers.course.exercises.readings import unwrap
from zetl_helpers.lab import Lab
from zetl_helpers.lakehouse import query

_BEFORE = r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*"
_READS = re.compile(_BEFORE + r"(?:select|with|values|table)\b", re.IGNORECASE | re.DOTALL)
_FIRST_WORD = re.compile(_BEFORE + r"(\S{1,40})", re.DOTALL)


_FENCE = re.compile(r"^```\w*\n(.*?)\n?```$", re.DOTALL)


def statement_of(answer: Any) -> str:
    """Return the statement in an answer, which is a string, a Markdown block, or an object with a statement in ``sql``.

    Raises:
        UnreadableError: The answer contains no statement.
    """
    value = getattr(answer, "sql", None) or answer
    value = value if isinstance(value, str) else unwrap(value)
    if not isinstance(value, str):
        raise UnreadableError(f"The answer should be a statement, as a string. Yours is {kind_of(answer)}.")
    fenced = _FENCE.match(value.strip())
    return (fenced[1] if fenced else value).strip().rstrip("; \n")


@dataclass(frozen=True)
class Slip:
    """A typical mistake. An answer contains the mistake if it returns the same rows as `sql`.

    Args:
        sql: A statement with the mistake.
        says: The message about the mistake.
    """

    sql: str
    says: str


@dataclass(frozen=True)
class Sql:
    """A judge for one SELECT statement.

    Args:
        right: A statement that returns the expected rows.
        one_row_for: The singular noun for what a row describes, such as "state".
        key: The columns that identify a row.
        slips: Typical mistakes, whose statements run only for wrong answers.
        ordered: Whether the order of the rows matters.
        params: A function that returns, for a lab, the values of the parameters (``:name``) in `right` and in the
            slips.
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
            IncorrectError: The statement returns the wrong rows.
            QueryError: Athena rejects the statement.
            UnreadableError: The answer is neither a SELECT nor rows.
        """
        params = self.params(lab)
        rows = self._given_rows(answer)
        statement = "" if rows is not None else self._select(answer)
        given = rows if rows is not None else self._run(lab, statement, params)
        right = query(lab, self.right, **params)
        clauses = filters(statement) if statement else ("WHERE",)
        try:
            frames.compare(
                right,
                given,
                one_row_for=self.one_row_for,
                key=self.key,
                ordered=self.ordered,
                filters=clauses,
                grouped=is_grouped(statement),
            )
        except IncorrectError:
            if given.empty and "HAVING" in clauses:
                self._name_the_having(lab, statement, params)
            if not frames.same_rows(right, given):
                self._name_the_slip(lab, given, params)
            raise

    @staticmethod
    def _given_rows(answer: Any) -> pd.DataFrame | None:
        """Return the answer if it already consists of rows."""
        if isinstance(answer, pd.DataFrame) and not _READS.match(str(unwrap(answer))):
            return _with_lowercase_names(answer)
        return None

    @staticmethod
    def _select(answer: Any) -> str:
        statement = statement_of(answer)
        if not _READS.match(statement):
            word = _FIRST_WORD.match(statement)
            yours = f" Yours begins with {word[1]}." if word else ""
            raise UnreadableError(
                f"The answer should be a SELECT statement.{yours} Only SELECT statements run here, so the table "
                "cannot change."
            )
        return statement

    @staticmethod
    def _run(lab: Lab, statement: str, params: dict[str, Any]) -> pd.DataFrame:
        named = {name: value for name, value in params.items() if re.search(rf":{name}\b", statement)}
        return _with_lowercase_names(query(lab, statement, **named))

    def _name_the_having(self, lab: Lab, statement: str, params: dict[str, Any]) -> None:
        """Raise an error about the HAVING clause if the statement would return rows without it."""
        if not self._run(lab, without_having(statement), params).empty:
            raise IncorrectError(
                "Your HAVING clause removes every group: without it, your statement returns rows. Compare their values "
                "with the number in HAVING: a fraction such as 0.86 is not a percentage such as 86."
            ) from None

    def _name_the_slip(self, lab: Lab, given: pd.DataFrame, params: dict[str, Any]) -> None:
        for slip in self.slips:
            if frames.same_rows(given, query(lab, slip.sql, **params)):
                raise IncorrectError(slip.says) from None


def _with_lowercase_names(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with lowercase column names, because names in SQL are not case-sensitive."""
    return rows.rename(columns=lambda name: str(name).lower())
