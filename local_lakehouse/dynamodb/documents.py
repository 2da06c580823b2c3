"""Document paths in items: reading, projecting, setting and removing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from local_lakehouse.dynamodb import syntax
from local_lakehouse.dynamodb.names import Names, Steps, require_apart
from local_lakehouse.dynamodb.values import Item, Unfit, Value

_NO_SUCH_PLACE = "The document path provided in the update expression is invalid for update"


def find(item: Item, steps: Steps) -> Value | None:
    """Return what is at a path of an item; None if nothing is."""
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
        SyntaxFault: It cannot be read.
        ExpressionFault: It has no meaning.
    """
    paths = [names.steps(path) for path in syntax.projection(text)]
    require_apart(paths)
    return paths


def projected(item: Item, paths: Sequence[Steps]) -> dict[str, Any]:
    """Return what an item has at some paths, with the maps and lists around it."""
    tree: dict[Any, Any] = {}
    for path in paths:
        branch = tree
        for step in path[:-1]:
            branch = branch.setdefault(step, {})
        branch[path[-1]] = None
    found = {name: _pruned(item[name], branch) for name, branch in tree.items() if name in item}
    return {name: value for name, value in found.items() if value is not None}


def _pruned(value: Value, branch: dict[Any, Any] | None) -> Value | None:
    """Return the parts of a value that are asked for; None if it has none of them."""
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
    """Return the map or list that holds the end of a path, and the end.

    Raises:
        Fault: ``ValidationException``: nothing of that kind is there.
    """
    if len(steps) == 1:
        return item, steps[0]
    parent = find(item, steps[:-1])
    holder = None if parent is None else parent.get("L" if isinstance(steps[-1], int) else "M")
    if holder is None:
        raise Unfit(_NO_SUCH_PLACE)
    return holder, steps[-1]


def put(item: dict[str, Any], steps: Steps, value: Value) -> None:
    """Set what is at a path; beyond the end of a list the value is appended.

    Raises:
        Fault: ``ValidationException``: there is no map or list that could hold it.
    """
    holder, last = place(item, steps)
    if isinstance(last, int) and last >= len(holder):
        holder.append(value)
    else:
        holder[last] = value


def remove(item: dict[str, Any], paths: Sequence[Steps]) -> None:
    """Remove what is at some paths, each as it was counted before the others were removed.

    Raises:
        Fault: ``ValidationException``: there is no map or list that could hold it.
    """
    places = [place(item, path) for path in paths]
    # From the end of a list, so that the other positions stay.
    for holder, last in sorted(places, key=lambda each: each[1] if isinstance(each[1], int) else -1, reverse=True):
        if isinstance(last, int):
            if last < len(holder):
                del holder[last]
        else:
            holder.pop(last, None)
