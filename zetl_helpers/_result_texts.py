"""Empty strings and the text ``NaN`` in query results, which awswrangler reads as NULL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from zetl_helpers.lab import Lab

_LARGEST_BLOCK = 2**31 - 1


def restore(lab: Lab, rows: pd.DataFrame) -> pd.DataFrame:
    """Restore the values of text columns in which awswrangler found NULL, by reading the result a second time.

    Args:
        lab: The lab.
        rows: The result of a query as awswrangler returns it. It is changed in place.

    Returns:
        The same rows.
    """
    positions = [
        position
        for position, dtype in enumerate(rows.dtypes)
        if isinstance(dtype, pd.StringDtype) and rows.iloc[:, position].isna().any()
    ]
    if positions:
        columns = _texts(lab, rows.__dict__["query_metadata"], rows.shape[1], positions)
        for position, values in zip(positions, columns, strict=True):
            rows.isetitem(position, pd.array(values, dtype=rows.dtypes.iloc[position]))
    return rows


def _texts(lab: Lab, execution: Mapping[str, Any], count: int, positions: Sequence[int]) -> list[Sequence[str | None]]:
    """Return the values of the columns at the given positions, with None for NULL."""
    location = execution.get("ResultConfiguration", {}).get("OutputLocation")
    if location:
        return _of_file(lab, location, count, positions)
    return _of_managed(lab, execution["QueryExecutionId"], positions)


def _of_file(lab: Lab, location: str, count: int, positions: Sequence[int]) -> list[Sequence[str | None]]:
    # awswrangler has already imported pyarrow.
    import pyarrow as pa
    from pyarrow import csv

    bucket, _, key = location.removeprefix("s3://").partition("/")
    content = lab.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    # Column names can occur more than once, so the columns have numbers, and the row of names is the first row.
    names = [str(position) for position in range(count)]
    # Athena writes NULL as an empty cell and an empty string as "".
    table = csv.read_csv(
        pa.BufferReader(content),
        # A row must fit into one block.
        read_options=csv.ReadOptions(column_names=names, block_size=min(len(content) + 1, _LARGEST_BLOCK)),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=[str(position) for position in positions],
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return [column.to_pylist()[1:] for column in table.columns]


def _of_managed(lab: Lab, execution_id: str, positions: Sequence[int]) -> list[Sequence[str | None]]:
    pages = lab.client("athena").get_paginator("get_query_results").paginate(QueryExecutionId=execution_id)
    found = [row["Data"] for page in pages for row in page["ResultSet"]["Rows"]]
    # The first row contains the column names.
    return [[row[position].get("VarCharValue") for row in found[1:]] for position in positions]
