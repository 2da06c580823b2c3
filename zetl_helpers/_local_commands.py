"""The ``zetl local`` commands for the local lakehouse."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_lakehouse import system
from zetl_helpers import _settings
from zetl_helpers._errors import UserError

if TYPE_CHECKING:
    from local_lakehouse.daemon import Running


class UsageError(UserError):
    """A command failed. The message says why and what to do."""


def with_actions(command: argparse.ArgumentParser) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    """Add actions to a command. If no action is given, the command prints the available actions and fails."""

    def list_them(_: argparse.Namespace) -> int:
        command.print_help()
        return 1

    command.set_defaults(run=list_them)
    return command.add_subparsers(metavar="ACTION")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the ``zetl local`` commands to the parser."""
    local = with_actions(commands.add_parser("local", help="manage the local lakehouse"))

    start = local.add_parser("start", help="start the lakehouse and print its address on the last line")
    start.add_argument(
        "--port", type=int, help="default: 4555, or a free port if 4555 is in use; 0 chooses a free port"
    )
    start.add_argument("--foreground", action="store_true", help="run in the foreground until Ctrl-C")
    start.add_argument("--enforce-iam", action="store_true", help="check requests against IAM policies")
    start.add_argument(
        "--governed",
        action="store_true",
        help="let Lake Formation govern the account, so that IAM permissions alone do not allow access to data",
    )
    start.set_defaults(run=_start)

    stop = local.add_parser("stop", help="stop the lakehouse and keep its state")
    stop.set_defaults(run=_stop)

    status = local.add_parser("status", help="show whether the lakehouse is running, and its address")
    status.add_argument("--json", action="store_true", help="print JSON")
    status.set_defaults(run=_status)

    reset = local.add_parser("reset", help="stop the lakehouse and delete all its data")
    reset.add_argument("--to-backup", action="store_true", help="restore the last backup instead of deleting all data")
    reset.set_defaults(run=_reset)

    export = local.add_parser("export", help="write the lakehouse's state to a file that another machine can import")
    export.add_argument("file", type=Path)
    export.set_defaults(run=_export)

    bring = local.add_parser("import", help="import an exported state into an empty state folder")
    bring.add_argument("file", type=Path)
    bring.set_defaults(run=_import)

    refresh = local.add_parser("refresh", help="refresh the integrations now, and wait for the result")
    refresh.set_defaults(run=_refresh)

    pause = local.add_parser(
        "pause", help="stop automatic refreshes until zetl local resume; zetl local refresh still works"
    )
    pause.set_defaults(run=_pause)

    resume = local.add_parser("resume", help="resume automatic refreshes")
    resume.set_defaults(run=_resume)

    for command in (start, stop, status, reset, export, bring, refresh, pause, resume):
        command.set_defaults(extras="local")
        command.add_argument(
            "--state", type=Path, default=_settings.state_dir(), help="state folder; default: ZETL_STATE_DIR or .zetl"
        )


def _start(options: argparse.Namespace) -> int:
    from local_lakehouse import daemon

    _require_local()
    if options.foreground:
        from local_lakehouse.__main__ import main as serve

        arguments = ["--state", str(options.state)]
        if options.port is not None:
            arguments += ["--port", str(options.port)]
        arguments += ["--enforce-iam"] if options.enforce_iam else []
        return serve([*arguments, "--governed"] if options.governed else arguments)
    running, started = daemon.start(
        options.state, port=options.port, enforce_iam=options.enforce_iam, governed=options.governed
    )
    print("The local lakehouse is running." if started else "The local lakehouse was already running.")
    if options.state.resolve() != _settings.state_dir().resolve():
        print(f"To use it in notebooks and other commands: export ZETL_STATE_DIR={options.state.resolve()}")
    print(running.url)
    return 0


def _stop(options: argparse.Namespace) -> int:
    from local_lakehouse import daemon

    stopped = daemon.stop(options.state)
    print(
        "The local lakehouse has stopped. Its state is kept."
        if stopped
        else f"No local lakehouse is running in {options.state}."
    )
    return 0


def _status(options: argparse.Namespace) -> int:
    from local_lakehouse import daemon

    running = daemon.find(options.state)
    if options.json:
        found = {"running": False} if running is None else {"running": True, "url": running.url, **running.health}
        print(json.dumps(found))
    elif running is None:
        print(f"No local lakehouse is running in {options.state}. Start one with: zetl local start")
    else:
        refreshing = "" if running.health["refreshing"] else ", but is paused"
        print(f"{running.url} · {running.health['region']} · refreshes every "
              f"{running.health['refresh_seconds']:g} s{refreshing}")  # fmt: skip
        for name, health in running.health["background"].items():
            if not health["ok"]:
                print(
                    f"{name} is failing and being retried (failures so far: {health['failures']}): {health['problem']}"
                )
    return 0 if running else 1


def _reset(options: argparse.Namespace) -> int:
    from local_lakehouse import daemon

    if options.to_backup:
        if not daemon.return_to_backup(options.state):
            raise UsageError(f"There is no backup in {options.state}. Delete the state with: zetl local reset")
        print(
            f"The local lakehouse in {options.state} was restored from its last backup. Start it with: zetl local start"
        )
        return 0
    if daemon.reset(options.state):
        print(f"The local lakehouse in {options.state} is empty. Start it with: zetl local start")
    else:
        print(f"There is no state to delete in {options.state}. Start a local lakehouse with: zetl local start")
    return 0


def _export(options: argparse.Namespace) -> int:
    from local_lakehouse import daemon

    daemon.export(options.state, options.file)
    print(f"Exported to {options.file}. Import it on another machine with: zetl local import {options.file.name}")
    return 0


def _import(options: argparse.Namespace) -> int:
    from local_lakehouse import daemon

    daemon.bring(options.state, options.file)
    print(f"Imported into {options.state}. Start it with: zetl local start")
    return 0


def _refresh(options: argparse.Namespace) -> int:
    integrations = _tell(options.state, "refresh")["integrations"]
    for integration in integrations:
        print(f"{integration['name']} · {integration['status']}")
    if not integrations:
        print("There is no integration to refresh.")
    return 0


def _pause(options: argparse.Namespace) -> int:
    _tell(options.state, "pause")
    print("Refreshes are paused. New writes reach the target after zetl local refresh or zetl local resume.")
    return 0


def _resume(options: argparse.Namespace) -> int:
    _tell(options.state, "resume")
    print(f"Refreshing every {_running(options.state).health['refresh_seconds']:g} s again.")
    return 0


def _tell(state: Path, control: str) -> dict[str, Any]:
    from local_lakehouse import daemon

    return daemon.tell(_running(state), control)


def _running(state: Path) -> Running:
    from local_lakehouse import daemon

    running = daemon.find(state)
    if running is None:
        raise UsageError(f"No local lakehouse is running in {state}. Start one with: zetl local start")
    return running


def _require_local() -> None:
    """Check that the system is supported and that the lakehouse's packages are installed."""
    from zetl_helpers import _requirements

    system.require_fork()
    missing = [each.name for each in _requirements.unmet("local") if each.found is None]
    if missing:
        raise UsageError(
            f"The local lakehouse needs {', '.join(missing)}. To install the missing packages, run "
            f"{_requirements.install('local')}. To work on AWS instead, set ZETL_TARGET=aws."
        )
