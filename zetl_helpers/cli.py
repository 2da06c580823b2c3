"""The ``zetl`` command."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from zetl_helpers import _settings, cleanup, permissions
from zetl_helpers._aws import ForeignResourceError
from zetl_helpers._settings import SettingsError
from zetl_helpers.lab import ConnectionRefusedByLabError, connect, local_environment


class _UsageError(Exception):
    """The command cannot be carried out; the text says why and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The words after ``zetl``; those of the command line unless given.

    Returns:
        0 when it was carried out; 1 when not, with the reason on standard error.
    """
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except (_UsageError, SettingsError, ConnectionRefusedByLabError, ForeignResourceError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="zetl", description="DynamoDB zero-ETL with SageMaker Lakehouse: the tutorial's command."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_local(commands)

    run = commands.add_parser("run", help="run notebooks on a fresh local lakehouse and make pages of them")
    run.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK", help="default: all, in order")
    run.add_argument("--out", type=Path, default=Path("build/tutorial"), help="default: build/tutorial")
    run.add_argument("--store", action="store_true", help="store the outputs in the notebooks instead")
    run.set_defaults(run=_run_notebooks)

    env = commands.add_parser("env", help="print the exports that lead the AWS CLI to the local lakehouse")
    env.set_defaults(run=_env)

    policies = commands.add_parser("policies", help="write the policies with your account, Region and names")
    policies.add_argument("--out", type=Path, default=Path("build/policies"), help="default: build/policies")
    policies.set_defaults(run=_policies)

    clean = commands.add_parser("cleanup", help="list what the tutorial made, and delete it")
    clean.add_argument("--yes", action="store_true", help="delete without asking")
    clean.set_defaults(run=_cleanup)

    doctor = commands.add_parser("doctor", help="check that everything the tutorial needs is there")
    doctor.set_defaults(run=_doctor)
    return parser


def _add_local(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    local = commands.add_parser("local", help="the local lakehouse").add_subparsers(required=True, metavar="ACTION")

    start = local.add_parser("start", help="start it; its address is the last line printed")
    start.add_argument("--port", type=int, help="default 4555; 0 takes a free one")
    start.add_argument("--foreground", action="store_true", help="stay, until Ctrl-C")
    start.add_argument("--enforce-iam", action="store_true", help="check requests against IAM policies")
    start.set_defaults(run=_local_start)

    stop = local.add_parser("stop", help="stop it; its state is kept")
    stop.set_defaults(run=_local_stop)

    status = local.add_parser("status", help="tell whether it runs, and where")
    status.add_argument("--json", action="store_true", help="as JSON")
    status.set_defaults(run=_local_status)

    reset = local.add_parser("reset", help="stop it and forget all it holds")
    reset.set_defaults(run=_local_reset)

    for command in (start, stop, status, reset):
        command.add_argument("--state", type=Path, default=_settings.state_dir(), help="state folder; default .zetl")


def _local_start(options: argparse.Namespace) -> int:
    from zetl_helpers.local import daemon

    _require_local()
    if options.foreground:
        from zetl_helpers.local.__main__ import main as serve

        arguments = ["--state", str(options.state)]
        arguments += ["--port", str(daemon.DEFAULT_PORT if options.port is None else options.port)]
        return serve([*arguments, "--enforce-iam"] if options.enforce_iam else arguments)
    try:
        running, started = daemon.start(options.state, port=options.port, enforce_iam=options.enforce_iam)
    except daemon.LakehouseError as error:
        raise _UsageError(str(error)) from error
    print("The local lakehouse is running." if started else "The local lakehouse was running already.")
    print(running.url)
    return 0


def _local_stop(options: argparse.Namespace) -> int:
    from zetl_helpers.local import daemon

    stopped = daemon.stop(options.state)
    print("Stopped; its state is kept." if stopped else f"No local lakehouse is running in {options.state}.")
    return 0


def _local_status(options: argparse.Namespace) -> int:
    from zetl_helpers.local import daemon

    running = daemon.find(options.state)
    if options.json:
        found = {"running": False} if running is None else {"running": True, "url": running.url, **running.health}
        print(json.dumps(found))
    elif running is None:
        print(f"No local lakehouse is running in {options.state}. Start one with: zetl local start")
    else:
        refreshing = "" if running.health["refreshing"] else " (paused)"
        print(f"{running.url} · {running.health['region']} · refreshes every "
              f"{running.health['refresh_seconds']:g} s{refreshing}")  # fmt: skip
    return 0 if running else 1


def _local_reset(options: argparse.Namespace) -> int:
    from zetl_helpers.local import daemon

    daemon.reset(options.state)
    print("The local lakehouse is empty. Start it with: zetl local start")
    return 0


def _run_notebooks(options: argparse.Namespace) -> int:
    from zetl_helpers import notebooks

    paths = options.notebooks or notebooks.find()
    if not paths:
        raise _UsageError("There are no notebooks here. Go to the tutorial's folder, or name them.")
    return notebooks.store_outputs(paths) if options.store else notebooks.run(paths, options.out)


def _env(_: argparse.Namespace) -> int:
    lab = connect("local")
    for name, value in local_environment(str(lab.endpoint), lab.region).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _policies(options: argparse.Namespace) -> int:
    for path in permissions.write_all(connect(), options.out):
        print(path)
    return 0


def _cleanup(options: argparse.Namespace) -> int:
    lab = connect()
    found = cleanup.plan(lab)
    if not found:
        print("Nothing is left of the lab.")
        return 0
    for one in found:
        print(f"Would delete {one.kind} {one.name}: {one.why}")
    if not (options.yes or _confirmed(lab.account)):
        print("Nothing was deleted.")
        return 1
    outcomes = cleanup.apply(found)
    for kind, name, outcome in outcomes.itertuples(index=False):
        print(f"{kind} {name}: {outcome}")
    try:
        print(cleanup.verify(lab))
    except cleanup.LeftoverError as error:
        raise _UsageError(str(error)) from error
    return 0


def _confirmed(account: str) -> bool:
    if not sys.stdin.isatty():
        return False
    return input(f"To delete all of this in account {account}, type delete: ").strip() == "delete"


def _doctor(_: argparse.Namespace) -> int:
    from zetl_helpers import doctor

    checks = doctor.examine()
    for check in checks:
        print(check)
    return 0 if all(check.ok for check in checks) else 1


def _require_local() -> None:
    """Explain what to install when the lakehouse's own libraries are missing, as in a plain AWS environment."""
    import importlib.util

    missing = [
        name for name in ("duckdb", "filelock", "moto", "pyiceberg", "sqlglot") if not importlib.util.find_spec(name)
    ]
    if missing:
        raise _UsageError(
            f"The local lakehouse needs {', '.join(missing)}. Install them with: pip install 'zetl-helpers[local]'; "
            "or set ZETL_TARGET=aws to work on AWS."
        )


if __name__ == "__main__":
    sys.exit(main())
