"""The instructor's kit, generated from the notebooks with their outputs and metadata."""

from zetl_helpers.course.kit.guide import write
from zetl_helpers.course.kit.material import MaterialError

__all__ = ["MaterialError", "write"]
