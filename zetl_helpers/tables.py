"""Notebook tables with sorting and search."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

import pandas as pd

__all__ = ["Table", "table"]

_ROWS_A_PAGE = 10


class Table:
    """Rows that a notebook shows as a table with a search field and sortable columns.

    The notebook shows the plain pandas table instead if itables is not installed or if `PLOTLY_RENDERER` is
    `plotly_mimetype`. This renderer is set when outputs are stored and compared. The itables script is several
    megabytes long and contains a random name.

    Args:
        rows: The rows to show.
    """

    _script_is_there = False

    def __init__(self, rows: pd.DataFrame) -> None:
        self.rows = rows

    def __repr__(self) -> str:
        return repr(self.rows)

    def _repr_html_(self) -> str:
        if not _can_be_interactive():
            frame: Any = self.rows
            return str(frame._repr_html_())
        return self._script() + self._interactive()

    def _script(self) -> str:
        """Return the itables script when a kernel shows its first table, and an empty string after that."""
        from itables.javascript import generate_init_offline_itables_html
        from itables.utils import find_package_file

        if Table._script_is_there:
            return ""
        Table._script_is_there = True
        return generate_init_offline_itables_html(find_package_file("html/dt_bundle.js"))

    def _interactive(self) -> str:
        from itables import to_html_datatable

        # The script aligns a column by its values, so text such as a ZIP code would look like a number. Negative
        # positions count from the last column, so an index does not shift them.
        width = self.rows.shape[1]
        text = [at - width for at, dtype in enumerate(self.rows.dtypes) if not pd.api.types.is_numeric_dtype(dtype)]
        html = to_html_datatable(
            self.rows,
            connected=False,
            display_logo_when_loading=False,
            pageLength=_ROWS_A_PAGE,
            lengthMenu=[_ROWS_A_PAGE, 25, 50, 100],
            classes="display compact",
            scrollX=True,
            columnDefs=[{"className": "dt-left", "targets": text, "type": "string"}] if text else [],
            text_in_header_can_be_selected=False,  # clicking a column's name sorts by it
        )
        return str(html)


def table(rows: pd.DataFrame) -> Table:
    """Show rows as a table with sorting and search.

    Args:
        rows: The rows to show. Use at most a few thousand rows, because the page contains all of them.

    Returns:
        The table, to display at the end of a cell.

    See https://mwouts.github.io/itables/
    """
    return Table(rows)


def _can_be_interactive() -> bool:
    stored = os.environ.get("PLOTLY_RENDERER") == "plotly_mimetype"
    return not stored and importlib.util.find_spec("itables") is not None
