"""The exercises of chapter 10: names and types of nested attributes, and a partition spec."""

from __future__ import annotations

from zetl_helpers.course.exercises.answers import Each, Value
from zetl_helpers.course.exercises.engine import Exercise

EXERCISES = (
    Exercise(
        title="The name of a leaf",
        kind="predict",
        judge=Value(
            lambda _: "household.pets",
            wrong={
                "household_pets": "An older edition of AWS's page joined the parts with underscores; now it is a dot.",
                "pets": "The whole path is the name: two maps may both have an attribute Pets.",
                "household": "FULL makes a column of each leaf; Household itself is a map and has none.",
                '"household.pets"': "The quotes belong to the query, not to the name.",
            },
            otherwise="Join the names from the item's own attribute down to the leaf.",
        ),
        hints=(
            "How is City inside Address called?",
            "The names from the outside to the inside, with a dot in between.",
        ),
        answer='answer = "household.pets"',
        why="In FULL the name is the path, so it needs double quotes in SQL; the set itself stays an array.",
    ),
    Exercise(
        title="Types in the lakehouse",
        kind="complete",
        judge=Each(
            lambda _: {"CardLimits": "array<double>", "Contacts": "array<string>", "Verified": "boolean"},
            wrong={
                "CardLimits": "It is a set of numbers (NS), and a number becomes a double.",
                "Contacts": "It is a list (L), and the elements of a list become texts.",
                "Verified": "DynamoDB's BOOL has a type of the same kind in SQL.",
            },
        ),
        hints=(
            "Sets and lists become arrays: array<…>.",
            "Numbers become double; what stands in a list becomes string.",
        ),
        answer='answer = {"CardLimits": "array<double>", "Contacts": "array<string>", "Verified": "boolean"}',
        why="These types are the same in all three modes: the mode decides where a value stands, not what it is.",
    ),
    Exercise(
        title="A partition for each day",
        kind="complete",
        judge=Each(
            lambda _: {"FieldName": "SeenAt", "FunctionSpec": "day", "ConversionSpec": "epoch_milli"},
            wrong={
                "FieldName": "It is the attribute's name, as DynamoDB writes it.",
                "FunctionSpec": "One of identity, year, month, day and hour.",
                "ConversionSpec": "1790000000000 has 13 digits: those are no seconds, and no ISO 8601 text.",
            },
        ),
        hints=(
            "FunctionSpec says how long a partition is.",
            "ConversionSpec is epoch_sec, epoch_milli or iso. A time of 13 digits counts milliseconds since 1970.",
        ),
        answer='answer = {"FieldName": "SeenAt", "FunctionSpec": "day", "ConversionSpec": "epoch_milli"}',
        why="With epoch_sec the same number would be a day some 56,000 years from now, and no error would say so.",
    ),
)
