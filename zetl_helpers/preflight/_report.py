"""The preflight report for a terminal, a notebook, JSON or an HTML page."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zetl_helpers._counts import counted
from zetl_helpers.cost import Estimate
from zetl_helpers.preflight._checklist import Checklist, Places, checklist
from zetl_helpers.preflight._columns import MODES, Layout
from zetl_helpers.preflight._findings import Finding
from zetl_helpers.preflight._partitions import Candidate

_BADGES = {"error": "ERROR", "warning": "WARNING", "info": "INFO"}


@dataclass(frozen=True)
class Report:
    """The prediction of a table's zero-ETL target.

    Args:
        name: The name of the table, or of the file with the items.
        keys: The key attributes and their types.
        looked_at: The number of items checked.
        items: The number of items in the table.
        size: The size of the table in bytes, as DynamoDB measures it.
        layouts: The predicted target table for each unnest mode.
        findings: The findings, with the most severe first.
        partitions: The possible partitionings, with suitable partitionings first.
        cost: The monthly cost on AWS.
        assumptions: The assumptions behind the figures.
    """

    name: str
    keys: Mapping[str, str]
    looked_at: int
    items: int
    size: int
    layouts: Mapping[str, Layout]
    findings: tuple[Finding, ...]
    partitions: tuple[Candidate, ...]
    cost: Estimate
    assumptions: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Whether an integration would run in at least one unnest mode."""
        blocked = {mode for each in self.findings if each.severity == "error" for mode in each.modes or MODES}
        return blocked != set(MODES)

    def columns(self, mode: str = "FULL") -> dict[str, str]:
        """Return the predicted columns of the target.

        Args:
            mode: ``FULL``, ``TOPLEVEL`` or ``NOUNNEST``.

        Returns:
            The Data Catalog type of each column, keyed by column name.
        """
        return {column.name: column.type for column in self.layouts[mode].columns}

    def checklist(
        self, places: Places, *, unnest: str = "FULL", partition_by: Sequence[Mapping[str, str]] = ()
    ) -> Checklist:
        """Return a printable checklist of the AWS steps and commands that bring the table into the lakehouse.

        Args:
            places: The source and the target.
            unnest: ``FULL``, ``TOPLEVEL`` or ``NOUNNEST``.
            partition_by: The partition specification. Defaults to bucketing by the partition key.
        """
        return checklist(places, unnest=unnest, partition_by=partition_by)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data, as ``zetl preflight --json`` prints it."""
        return {
            "table": self.name,
            "keys": dict(self.keys),
            "items": self.items,
            "items_looked_at": self.looked_at,
            "bytes": self.size,
            "ready": self.ready,
            "columns": {
                mode: [{"name": each.name, "type": each.type, "source": each.source} for each in layout.columns]
                for mode, layout in self.layouts.items()
            },
            "findings": [
                {"severity": each.severity, "code": each.code, "message": each.message, "modes": list(each.modes)}
                for each in self.findings
            ],
            "partitioning": [
                {
                    "spec": each.spec, "fits": each.fits, "reason": each.reason, "partitions": each.partitions,
                    "largest_share": round(each.largest, 4),
                }
                for each in self.partitions
            ],
            "cost": {
                "usd_a_month": round(self.cost.total, 2),
                "refresh_minutes": self.cost.refresh_minutes,
                "items": [
                    {"item": each.item, "usd": round(each.usd, 4), "basis": each.basis} for each in self.cost.items
                ],
            },
            "assumptions": list(self.assumptions),
        }  # fmt: skip

    def json(self) -> str:
        """Return `as_dict` as JSON."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False)

    def text(self) -> str:
        """Return the report for a terminal."""
        return "\n".join(self._lines())

    def page(self) -> str:
        """Return the report as a self-contained HTML page."""
        return (
            "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
            "<meta name='viewport' content='width=device-width, initial-scale=1'>"
            f"<title>Preflight of {html.escape(self.name)}</title><style>{_STYLE}</style></head>"
            f"<body><main>{self._body()}</main></body></html>\n"
        )

    def _repr_html_(self) -> str:
        return f"<div>{self._body()}</div>"

    def __repr__(self) -> str:
        return self.text()

    def _summary(self) -> str:
        keys = ", ".join(f"{name} ({tag})" for name, tag in self.keys.items())
        return f"{_count(self.items)}, {self.size:,} bytes; key: {keys}; checked {_count(self.looked_at)}."

    def _verdict(self) -> str:
        counts = {level: sum(each.severity == level for each in self.findings) for level in _BADGES}
        what = ", ".join(
            f"{count} {level}{'s' if count != 1 and level != 'info' else ''}" for level, count in counts.items()
        )
        return f"{'Ready for zero-ETL' if self.ready else 'Not ready for zero-ETL'}: {what}."

    def _partition_line(self) -> str:
        best = next((each for each in self.partitions if each.fits), None)
        if best is None:
            return (
                "Keep the default, which is bucketing by the partition key. No attribute is suitable for partitioning."
            )
        return f"Recommended: {json.dumps([best.spec])}, {best.reason}."

    def _lines(self) -> Iterator[str]:
        yield f"Preflight of {self.name}"
        yield self._summary()
        yield self._verdict()
        if self.findings:
            yield "\nFindings"
        for finding in self.findings:
            about = f" [{', '.join(finding.modes)}]" if finding.modes and set(finding.modes) != set(MODES) else ""
            yield f"  {_BADGES[finding.severity]:<8}{finding.code}{about}: {finding.message}"
        for mode, layout in self.layouts.items():
            yield f"\nColumns, UnnestSpec {mode}"
            width = max(len(column.name) for column in layout.columns) if layout.columns else 0
            yield from (f"  {column.name:<{width}}  {column.type}" for column in layout.columns)
        yield f"\nPartitioning\n  {self._partition_line()}"
        for each in self.partitions:
            if not each.fits:
                yield f"  Not {json.dumps(each.spec)}: {each.reason}"
        yield f"\nCost on AWS: ${self.cost.total:,.2f} a month"
        yield from (f"  {line}" for line in repr(self.cost).splitlines())
        yield "\nAssumptions"
        yield from (f"  {each}" for each in self.assumptions)

    def _body(self) -> str:
        findings = _table(
            ("severity", "code", "modes", "what"),
            (
                (_BADGES[each.severity], each.code, ", ".join(each.modes) or "all", each.message)
                for each in self.findings
            ),
        )
        columns = "".join(
            f"<details{' open' if mode == MODES[0] else ''}><summary>UnnestSpec {mode}: "
            f"{counted(len(layout.columns), 'column')}</summary>{_layout(layout)}</details>"
            for mode, layout in self.layouts.items()
        )
        partitions = _table(
            ("specification", "fits", "why"),
            ((json.dumps(each.spec), "yes" if each.fits else "no", each.reason) for each in self.partitions),
        )
        return (
            f"<h2>Preflight of {html.escape(self.name)}</h2><p>{html.escape(self._summary())}</p>"
            f"<p><strong>{html.escape(self._verdict())}</strong></p>"
            f"<h3>Findings</h3>{findings}"
            f"<h3>Columns</h3>{columns}"
            f"<h3>Partitioning</h3><p>{html.escape(self._partition_line())}</p>{partitions}"
            f"<h3>Cost on AWS</h3>{self.cost._repr_html_()}"
            f"<h3>Assumptions</h3><ul>{''.join(f'<li>{html.escape(each)}</li>' for each in self.assumptions)}</ul>"
        )


def _count(items: int) -> str:
    return f"{items:,} item{'s' * (items != 1)}"


def _layout(layout: Layout) -> str:
    return _table(("column", "type", "from"), ((each.name, each.type, each.source) for each in layout.columns))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    # Jupyter's own style would align the text to the right.
    cell = '<{0} style="text-align:left">{1}</{0}>'
    lines = "".join(f"<tr>{''.join(cell.format('td', html.escape(text)) for text in row)}</tr>" for row in rows)
    return f"<table><tr>{''.join(cell.format('th', text) for text in head)}</tr>{lines}</table>"


_STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:0}main{max-width:60rem;margin:auto;"
    "padding:1rem}table{border-collapse:collapse;display:block;overflow-x:auto}td,th{border-bottom:1px solid #8886;"
    "padding:.25rem .75rem;text-align:left;vertical-align:top}summary{cursor:pointer;margin:.5rem 0}"
)
