"""The exercises of chapter 11: files that pile up, what writing costs, and what OPTIMIZE and VACUUM leave."""

from __future__ import annotations

from zetl_helpers import cost
from zetl_helpers.course.exercises.answers import Each, Value
from zetl_helpers.course.exercises.engine import Exercise

_MONTHS, _ROUNDS = 12, 30

EXERCISES = (
    Exercise(
        title="A million larger items",
        kind="complete",
        judge=Value(
            lambda _: cost.write_cost(1_000_000, 1536),
            wrong={
                cost.write_cost(1_000_000, 1024): "That is the price of items of one KB. 1.5 KB is two units begun.",
                cost.write_cost(1_000_000, 1024) * 1.5: "Units are not split: 1.5 KB is two of them.",
            },
            otherwise="zetl.cost.write_cost takes the number of items and the bytes of one; a KB has 1,024 bytes.",
        ),
        hints=(
            "A write request unit writes up to one KB.",
            "zetl.cost.write_cost(1_000_000, …), with the bytes of one item.",
        ),
        answer="answer = zetl.cost.write_cost(1_000_000, 1536)",
        why="Two units an item, so $1.25: twice the price of an item that is a byte within one KB.",
    ),
    Exercise(
        title="A day of refreshes",
        kind="predict",
        judge=Value(
            lambda _: _MONTHS + _ROUNDS * _MONTHS,
            wrong={
                _ROUNDS * _MONTHS: "That is what the rounds add. The files of the first load are still there.",
                _MONTHS + _ROUNDS: "A round touches every month, and a file belongs to one month.",
                _MONTHS: "That would be so after OPTIMIZE.",
            },
            otherwise="Start with the files of the first load, and add what each round adds.",
        ),
        hints=(
            "The first load made a file for each month.",
            "Each round adds a file for each month it touches.",
            "12 + 30 × 12",
        ),
        answer="answer = 12 + 30 * 12",
        why="372 files, where 12 would do: each query pays for opening them, and that is what compaction is for.",
    ),
    Exercise(
        title="More or fewer?",
        kind="predict",
        judge=Each(
            lambda _: {"OPTIMIZE": "more", "VACUUM": "fewer", "rows": "same"},
            wrong={
                "OPTIMIZE": "It writes new files, and earlier snapshots still need the old ones.",
                "VACUUM": "It deletes the files that only the snapshots it lets go of have needed.",
                "rows": "Neither statement changes what the newest snapshot holds.",
            },
        ),
        hints=(
            "Which of the two statements deletes anything?",
            "Compare the last two pairs of bars in the figure.",
        ),
        answer='answer = {"OPTIMIZE": "more", "VACUUM": "fewer", "rows": "same"}',
        why="OPTIMIZE makes queries cheaper, VACUUM makes storage cheaper; only both together do both.",
    ),
)
