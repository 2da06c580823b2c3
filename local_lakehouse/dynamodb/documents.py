"""Functions that get, project, set and remove the values at document paths in items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from local_lakehouse.dynamodb import syntax
from local_lakehouse.dynamodb.names import Names, Steps, require_apart
from local_lakehouse.dynamodb.values import Item, Unfit, Value

_NO_SUCH_PLACE = "The document path provided in the update expression is invalid for update"


def find(item: Item, steps: Steps) -> Value | None:
    """Return the value at a path of an item, or None if the path does not exist."""
    found: Any = item.get(str(steps[0]))
    for step in steps[1:]:
        if found is None:
            return None
        found = _child(found, step)
    return found  # type: ignore[no-any-return]


def _child(value: Value, step: str | int) -> Value | None:
    if isinstance(step, int):
        members = value.get("L")
        return members[step] if members is not None and step < len(members) else None
    named = value.get("M")
    return None if named is None else named.get(step)


Projection = Callable[[Item], dict[str, Any]]


def projection(text: str, names: Names) -> list[Steps]:
    """Return the paths of a projection expression.

    Raises:
        SyntaxFault: The expression has a syntax error.
        ExpressionFault: The expression is not valid.
    """
    paths = [names.steps(path) for path in syntax.projection(text)]
    require_apart(paths)
    return paths


def projected(item: Item, paths: Sequence[Steps]) -> dict[str, Any]:
    """Return an item's values at the given paths, with the surrounding maps and lists."""
    tree: dict[Any, Any] = {}
    for path in paths:
        branch = tree
        for step in path[:-1]:
            branch = branch.setdefault(step, {})
        branch[path[-1]] = None
    found = {name: _pruned(item[name], branch) for name, branch in tree.items() if name in item}
    return {name: value for name, value in found.items() if value is not None}


def _pruned(value: Value, branch: dict[Any, Any] | None) -> Value | None:
    """Return the requested parts of a value, or None if the value has none of these parts."""
    if branch is None:
        return value
    if "M" in value:
        kept = {name: _pruned(value["M"][name], below) for name, below in branch.items() if name in value["M"]}
        kept = {name: member for name, member in kept.items() if member is not None}
        return {"M": kept} if kept else None
    if "L" in value:
        asked = sorted(step for step in branch if isinstance(step, int) and step < len(value["L"]))
        members = [_pruned(value["L"][step], branch[step]) for step in asked]
        members = [member for member in members if member is not None]
        return {"L": members} if members else None
    return None


def place(item: dict[str, Any], steps: Steps) -> tuple[Any, str | int]:
    """Return the map or list that contains the last element of a path, and the element's name or index.

    Raises:
        Fault: The map or list does not exist (``ValidationException``).
    """
    if len(steps) == 1:
        return item, steps[0]
    parent = find(item, steps[:-1])
    holder = None if parent is None else parent.get("L" if isinstance(steps[-1], int) else "M")
    if holder is None:
        raise Unfit(_NO_SUCH_PLACE)
    return holder, steps[-1]


def put(item: dict[str, Any], steps: Steps, value: Value) -> None:
    """Set the value at a path, or append it if the path's index is beyond the end of a list.

    Raises:
        Fault: The map or list that contains the value does not exist (``ValidationException``).
    """
    holder, last = place(item, steps)
    if isinstance(last, int) and last >= len(holder):
        holder.append(value)
    else:
        holder[last] = value


def remove(item: dict[str, Any], paths: Sequence[Steps]) -> None:
    """Remove the values at the given paths, whose list indexes refer to the original item.

    Raises:
        Fault: The map or list that contains the value does not exist (``ValidationException``).
    """
    places = [place(item, path) for path in paths]
    # Elements are removed from the end of a list first, so that the indexes of other elements do not change.
    for holder, last in sorted(places, key=lambda each: each[1] if isinstance(each[1], int) else -1, reverse=True):
        if isinstance(last, int):
            if last < len(holder):
                del holder[last]
        else:
            holder.pop(last, None)
