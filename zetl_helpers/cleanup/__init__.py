"""Cleanup that finds, shows and deletes the lab's resources, and then checks that nothing is left.

A resource that supports tags belongs to the lab if and only if it has the lab's tag. A resource that does not support
tags belongs to the lab if its parent resource belongs to the lab. `Leftover.known_by` says how each resource is
identified.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from typing import overload

import pandas as pd
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from zetl_helpers._aws import ForeignResourceError, error_code
from zetl_helpers._errors import StudioSetupError, as_sentence
from zetl_helpers._steps import Step
from zetl_helpers._wait import WaitTimeoutError, wait_for
from zetl_helpers.cleanup._discover import DISCOVERIES
from zetl_helpers.cleanup._leftovers import Foreign, Leftover, Ownership, StillThereError
from zetl_helpers.cleanup._only import select
from zetl_helpers.lab import TAG_KEY, Lab

__all__ = ["Foreign", "Leftover", "LeftoverError", "Plan", "apply", "plan", "show", "transcript", "verify"]

_FAILURES = (ClientError, BotoCoreError, WaitTimeoutError, ForeignResourceError, StillThereError, StudioSetupError)
# These errors affect all calls, so one clear error is better than the same error for each kind of resource.
_SIGNED_OUT = ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException")
# The commands' message if a step failed, but the search finds nothing.
STEP_FAILED = (
    "At least one step failed (see above), although cleanup finds no resources now. Fix the cause, and check "
    "whether the resource still exists."
)
# The kinds and names of the resources that this process has deleted. AWS can still list them for a while.
_deleted: set[tuple[str, str]] = set()


class LeftoverError(Exception):
    """Cleanup left resources behind or could not check for them. The message lists them."""


@dataclass(frozen=True)
class Plan(Sequence[Leftover]):
    """A cleanup plan, which is also a sequence of its leftovers.

    Args:
        lab: The lab.
        leftovers: The lab's resources, in the order of deletion.
        foreign: Resources that have one of the lab's names but are kept, because they do not belong to the lab.
        unseen: The kinds of resources that could not be checked, each with the error.
    """

    lab: Lab
    leftovers: tuple[Leftover, ...] = ()
    foreign: tuple[Foreign, ...] = ()
    unseen: tuple[tuple[str, str], ...] = ()

    @overload
    def __getitem__(self, index: int) -> Leftover: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Leftover]: ...

    def __getitem__(self, index: int | slice) -> Leftover | Sequence[Leftover]:
        return self.leftovers[index]

    def __len__(self) -> int:
        return len(self.leftovers)


def plan(lab: Lab, *, only: Sequence[Lab] = ()) -> Plan:
    """Find all of the lab's resources, in the order of deletion, without changing anything.

    Args:
        lab: The lab. For a class, create one plan per prefix.
        only: The tables to delete, each as returned by `Lab.with_table`. Other tables are kept. The bucket, database
            and role are kept as long as any other resource of the lab exists. Defaults to the whole lab.

    Returns:
        The resources to delete, the resources to keep, and the kinds of resources that could not be checked.

    Raises:
        ClientError: The credentials are no longer valid.
    """
    mine = Ownership(lab)
    leftovers: list[Leftover] = []
    foreign: list[Foreign] = []
    unseen: list[tuple[str, str]] = []
    for what, discover in DISCOVERIES:
        try:
            for entry in discover(mine):
                if isinstance(entry, Leftover):
                    leftovers.append(entry)
                else:
                    foreign.append(entry)
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, NoCredentialsError) or _signed_out(error):
                raise
            unseen.append((what, str(error)))
    if only:
        leftovers = select(mine, leftovers, only, complete=not unseen)
    return Plan(lab, tuple(leftovers), tuple(foreign), tuple(unseen))


def _signed_out(error: Exception) -> bool:
    return isinstance(error, ClientError) and error_code(error) in _SIGNED_OUT


def show(found: Sequence[Leftover]) -> pd.DataFrame:
    """Show a plan.

    Args:
        found: The result of `plan`, or a part of it.

    Returns:
        A table with one row for each resource. The columns are ``kind``, ``name``, ``why`` (the reason to delete the
        resource) and ``known by`` (how the resource was identified).
    """
    rows = [(entry.kind, entry.name, entry.why, entry.known_by) for entry in found]
    return pd.DataFrame(rows, columns=["kind", "name", "why", "known by"])


def transcript(found: Plan) -> str:
    """Return the text of a cleanup dry run, with one line per resource, without changing anything.

    Args:
        found: The result of `plan`.

    Returns:
        The text of the dry run.
    """
    lab = found.lab
    lines = [f"Cleanup of {TAG_KEY}={lab.tags[TAG_KEY]} in account {lab.account}, Region {lab.region}."]
    lines += [f"Would delete {entry.kind} {entry.name} ({entry.known_by}): {entry.why}." for entry in found]
    lines += [f"Would leave {item.kind} {item.name}: {item.why}." for item in found.foreign]
    lines += [f"Could not look for {what}: {reason}" for what, reason in found.unseen]
    lines.append(f"{len(found)} to delete, {len(found.foreign)} to leave. Nothing was changed.")
    return "\n".join(lines)


def apply(found: Sequence[Leftover], *, tell: Callable[[str], object] = lambda _: None) -> pd.DataFrame:
    """Delete a plan's resources in order, and continue after failures.

    If resources of one kind take minutes to delete, all of their deletions are requested before the first wait.

    Args:
        found: The result of `plan`, or a part of it.
        tell: A function that is called after each resource, with a line that contains its number and outcome.

    Returns:
        A table with the columns ``kind``, ``name`` and ``outcome``. The outcome is ``deleted``, ``kept`` with the
        reason, or ``failed`` with the error.
    """
    rows = []
    for number, entry in enumerate(found, start=1):
        if number == 1 or entry.kind != found[number - 2].kind:
            _begin(found[number - 1 :], entry.kind)
        try:
            done = entry.delete()
            is_kept = isinstance(done, Step) and done.did == "still needed"
            outcome = "kept: another lab needs it" if is_kept else "deleted"
            if not is_kept:
                _deleted.add((entry.kind, entry.name))
        except _FAILURES as error:
            outcome = f"failed: {error}"
        tell(f"[{number}/{len(found)}] {entry.kind} {entry.name}: {outcome}")
        rows.append((entry.kind, entry.name, outcome))
    return pd.DataFrame(rows, columns=["kind", "name", "outcome"])


def _begin(rest: Sequence[Leftover], kind: str) -> None:
    """Request the deletion of the plan's next resources, up to the first resource of a different kind."""
    for entry in takewhile(lambda entry: entry.kind == kind, rest):
        # A failure here occurs again when this resource is deleted later, and is reported then.
        with suppress(*_FAILURES):
            entry.begin()


def verify(lab: Lab, *, only: Sequence[Lab] = (), timeout: float = 60) -> str:
    """Search again until nothing is left, because AWS can list a resource for a while after its deletion.

    A resource that is not being deleted causes an immediate error, because waiting would not help.

    Args:
        lab: The lab.
        only: The deleted tables, as for `plan`. Defaults to the whole lab.
        timeout: The maximum number of seconds to search, or 0 to search once.

    Returns:
        A confirmation that all resources are deleted. If resources with the lab's names were kept, a second
        sentence says how many.

    Raises:
        LeftoverError: A resource is left, or a kind of resource could not be checked.
    """
    seen: list[Plan] = []

    def look() -> bool | None:
        seen[:] = [plan(lab, only=only)]
        if not all(entry.is_being_deleted or (entry.kind, entry.name) in _deleted for entry in seen[0]):
            raise LeftoverError(_what_is_left(seen[0], only))
        return None if seen[0] or seen[0].unseen else True

    try:
        wait_for("everything to be deleted", look, timeout=timeout, every=10, hint="")
    except WaitTimeoutError:
        raise LeftoverError(_what_is_left(seen[0], only)) from None
    kept = len(seen[0].foreign)
    what = " and ".join(entry.table for entry in only) or "the lab"
    return f"All resources of {what} are deleted." + (
        f" Resources that have the lab's names but don't belong to the lab were kept: {kept}." if kept else ""
    )


def _what_is_left(found: Plan, only: Sequence[Lab]) -> str:
    text = []
    if found:
        names = ", ".join(f"{entry.kind} {entry.name}" for entry in found)
        tables = ", ".join(f'lab.with_table("{lab.source}")' for lab in only)
        arguments = f"lab, only=[{tables}]" if only else "lab"
        text.append(f"Still there: {names}. Delete everything with zetl.cleanup.apply(zetl.cleanup.plan({arguments})).")
    text += [
        f"Could not look for {what}: {as_sentence(reason)} Fix the cause and check again."
        for what, reason in found.unseen
    ]
    return " ".join(text)
