"""The instructor's ``zetl class`` commands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from zetl_helpers._local_commands import UsageError, with_actions

if TYPE_CHECKING:
    from zetl_helpers.lab import Lab


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the parser."""
    actions = with_actions(commands.add_parser("class", help="manage a class in one account"))

    prepare = actions.add_parser("prepare", help="change the account-wide settings so that learners don't need to")
    prepare.add_argument("--share", action="store_true", help="also share the learners' tables with the project")
    prepare.add_argument("--undo", action="store_true", help="remove the class statement from the Data Catalog policy")
    prepare.add_argument(
        "--administrator",
        action="store_true",
        help="with --undo: also remove yourself from the Lake Formation administrators",
    )
    prepare.set_defaults(run=_prepare)

    status = actions.add_parser("status", help="show each learner's progress")
    status.add_argument("--json", action="store_true", help="print JSON")
    status.set_defaults(run=_status)

    clean = actions.add_parser("cleanup", help="list the learners' resources; with --yes, delete them")
    clean.add_argument("learners", nargs="*", metavar="PREFIX", help="default: all prefixes in use")
    clean.add_argument("--yes", action="store_true", help="delete the resources; without --yes, nothing is deleted")
    clean.set_defaults(run=_cleanup)


def _prepare(options: argparse.Namespace) -> int:
    from botocore.exceptions import BotoCoreError, ClientError

    from zetl_helpers._governed import NotAdministratorError
    from zetl_helpers.course import classroom
    from zetl_helpers.lab import connect
    from zetl_helpers.studio import StudioError

    if options.share and options.undo:
        raise UsageError("Choose either --share or --undo. To remove the shares, run zetl class cleanup.")
    if options.administrator and not options.undo:
        raise UsageError("--administrator requires --undo. Without --undo, this command makes you an administrator.")
    try:
        lab = connect()
        if options.undo:
            steps = classroom.undo(lab, administrator=options.administrator)
        else:
            labs = [learner for learner in classroom.learners(lab) if learner.prefix]
            steps = classroom.prepare(lab, labs)
            steps += classroom.share([entry for entry in labs if classroom.has_target(entry)]) if options.share else []
    except (ClientError, BotoCoreError, NotAdministratorError, StudioError) as error:
        raise UsageError(f"The account-wide settings cannot be changed: {error}") from error
    for step in steps:
        print(step)
    return 0


def _status(options: argparse.Namespace) -> int:
    from botocore.exceptions import BotoCoreError, ClientError

    from zetl_helpers.course import classroom
    from zetl_helpers.lab import connect

    try:
        frame = classroom.status(classroom.learners(connect()))
    except (ClientError, BotoCoreError) as error:
        raise UsageError(f"The labs of the class cannot be listed: {error}") from error
    if options.json:
        print(frame.to_json(orient="records", date_format="iso"))
    elif frame.empty:
        print("No learner has created anything yet.")
    else:
        shown = frame.assign(last_sync=frame["last_sync"].dt.strftime("%Y-%m-%d %H:%M:%S").fillna("never"))
        print(shown.to_string(index=False))
        print("chapter: the last chapter with resources")
    if not options.json:
        _print_practice()
    return 0


def _print_practice() -> None:
    """Print each learner's exercise counts, and where the most learners are stuck, if the class shares its progress."""
    from zetl_helpers import _settings
    from zetl_helpers.course import classroom

    folder = _settings.class_dir()
    if folder is None:
        return
    frame = classroom.practice(folder)
    if frame.empty:
        print(f"No learner has shared progress in {folder} yet.")
        return
    print(f"\n{frame.to_string(index=False)}")
    print(classroom.sticking(folder) or "Nobody is stuck.")


def _cleanup(options: argparse.Namespace) -> int:
    from botocore.exceptions import BotoCoreError, ClientError

    from zetl_helpers.cleanup import STEP_FAILED, LeftoverError
    from zetl_helpers.course import classroom
    from zetl_helpers.lab import connect

    try:
        labs = _chosen(classroom.learners(connect()), options.learners)
        plans = classroom.plan(labs)
    except (ClientError, BotoCoreError) as error:
        raise UsageError(f"The labs of the class cannot be listed: {error}") from error
    print(classroom.transcript(plans))
    if not any(plans) and not any(each.unseen for each in plans):
        print("All resources of the class are deleted.")
        return 0
    if not options.yes:
        print("To delete these resources: zetl class cleanup --yes")
        return 1
    failed = classroom.apply(plans, tell=print)["outcome"].str.startswith("failed").any()
    try:
        confirmation = classroom.verify(labs, timeout=0 if failed else 60)
    except LeftoverError as error:
        raise UsageError(str(error)) from error
    if failed:
        raise UsageError(STEP_FAILED)
    print(confirmation)
    return 0


def _chosen(labs: Sequence[Lab], prefixes: Sequence[str]) -> list[Lab]:
    """Return the labs of the named learners, or of all learners with a prefix.

    In a class, the lab without a prefix belongs to no learner. ``zetl cleanup`` deletes that lab.
    """
    unknown = sorted(set(prefixes) - {lab.prefix for lab in labs})
    if unknown:
        raise UsageError(f"No resources were found for {', '.join(unknown)}. To list the learners: zetl class status")
    return [lab for lab in labs if (lab.prefix in prefixes if prefixes else lab.prefix)]
