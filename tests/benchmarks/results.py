"""Benchmark figures in JSON files."""

import json
from collections.abc import Mapping

from tests.benchmarks.emulators import ROOT

FOLDER = ROOT / "build" / "bench"


def save(benchmark: str, figures: Mapping[str, object]) -> None:
    """Write a benchmark's figures to a file in ``build/bench``.

    Args:
        benchmark: The file's name without its extension.
        figures: The figures, each with a name that contains the unit, such as ``first response (s)``.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{benchmark}.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
