"""Typical wrong answers to each exercise, each with words that the check's message must contain."""

from typing import Any

import pandas as pd

from tests.course.exercises.wrong_answers_01_to_05 import EARLIER
from tests.course.exercises.wrong_answers_06_to_13 import LATER

WRONG: dict[str, list[tuple[Any, str]]] = {**EARLIER, **LATER}

ROWS = pd.DataFrame({"a": [1, 2]})
NUMBERS: list[Any] = [
    -1,
    8,
    77,
    1e9,
    "a lot",
    "none",
    "I don't know",
    [1, 2],
    {"answer": 5},
    True,
    "5 kg",
    "~",
    pd.NaT,
]
NAMES: list[Any] = [
    "x",
    "I don't know",
    "?",
    5,
    1.5,
    True,
    ["a", "b"],
    {"a": 1, "b": 2},
    ROWS,
    "1/2",
]
DICTIONARIES: list[Any] = [
    {}, [], "I don't know", 5, True, {"x": 1}, [1], ROWS, "{broken", ["x", "y"], ("a", "b", "c", "d"), "a, b",
]  # fmt: skip
TABLES: list[Any] = [
    1.5,
    5,
    "I don't know",
    {},
    [1, 2],
    pd.DataFrame(),
    ROWS,
    True,
    pd.Series([1, 2]),
]
IDS: list[Any] = [
    "00000000-0000-0000-0000-000000000000", "SELECT 1", 5, {}, {"QueryExecutionId": "none"}, [1, 2], "id", True,
    ROWS,
]  # fmt: skip
STATEMENTS: list[Any] = [
    "SELECT * FROM customeraccounts",
    "SELECT * FROM CustomerAccount",
    "SELECT nothing FROM customeraccounts",
    "SELECT",
    "DROP TABLE customeraccounts",
    "INSERT INTO customeraccounts VALUES (1)",
    "SELECT state FROM customeraccounts WHERE state = NULL",
    "SELECT COUNT(*) FROM customeraccounts",
    "I don't know",
    5,
    ROWS,
    {},
    True,
]
MORE_WRONG: dict[str, list[Any]] = {
    **dict.fromkeys(("2.1", "2.3", "4.3", "8.1", "8.2", "8.3", "11.1", "11.2"), NUMBERS),
    **dict.fromkeys(("1.1", "3.1", "6.1", "7.2", "9.1", "10.1", "13.1"), NAMES),
    **dict.fromkeys(("1.3", "1.4", "2.2", "3.2", "3.3", "5.3", "9.2", "10.2", "11.3", "13.2"), DICTIONARIES),
    **dict.fromkeys(("4.1", "4.4", "4.5", "6.2", "6.3", "7.3", "7.4", "13.4"), STATEMENTS),
    **dict.fromkeys(("4.2", "5.1", "7.1"), IDS),
    **dict.fromkeys(("5.2", "5.4"), TABLES),
}
"""Wrong answers without a specific message."""
