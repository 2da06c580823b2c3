"""The instructor's kit: made from the notebooks, their outputs and their metadata, so that it is as new as they are."""

from zetl_helpers.course.kit.guide import write
from zetl_helpers.course.kit.material import MaterialError

__all__ = ["MaterialError", "write"]
