"""Display options for pandas, which apply even if they are set before pandas is imported.

Importing pandas takes longer than `zetl_helpers.connect`, and not every program that connects needs a DataFrame.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

__all__ = ["show_strings_in_full"]


def show_strings_in_full() -> None:
    """Make pandas show strings in full, immediately or as soon as pandas is imported."""
    if "pandas" in sys.modules:
        _set_options()
    elif not any(isinstance(finder, _OptionsSetter) for finder in sys.meta_path):
        sys.meta_path.insert(0, _OptionsSetter())


def _set_options() -> None:
    import pandas as pd

    # Users need to read and copy complete ARNs and error messages.
    pd.set_option("display.max_colwidth", None)


class _OptionsSetter(MetaPathFinder):
    """An import hook that sets the display options when pandas is imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return another finder's spec for pandas, with its loader extended to set the display options."""
        if fullname != "pandas":
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next((found for other in others if (found := other.find_spec(fullname, path, target))), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_set(module: ModuleType) -> None:
                execute(module)
                _set_options()

            spec.loader.exec_module = execute_and_set  # type: ignore[method-assign]
        return spec
