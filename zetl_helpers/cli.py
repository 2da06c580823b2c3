"""The ``zetl`` command."""

from __future__ import annotations

import argparse
import json
import logging
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

# This module has no heavy imports, because each command imports its dependencies when it runs.
from local_lakehouse.daemon import LakehouseError
from local_lakehouse.system import UnsupportedSystemError, require_fork
from zetl_helpers import _class_commands, _local_commands, _preflight_command, _settings, _version
from zetl_helpers._errors import UserError
from zetl_helpers._local_commands import UsageError
from zetl_helpers.console import command as console_command

if TYPE_CHECKING:
    from zetl_helpers.lab import Lab


class _Parser(argparse.ArgumentParser):
    """A parser that rejects unknown arguments itself, because the top-level parser's usage text would not help."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The arguments after ``zetl``. Defaults to the command line's arguments.

    Returns:
        0 on success; 1 on failure, with the reason on standard error.
    """
    options = parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except (UserError, LakehouseError, UnsupportedSystemError) as error:
        print(error, file=sys.stderr)
    except ModuleNotFoundError as error:
        from zetl_helpers import _requirements

        extras: str | None = getattr(options, "extras", None)
        explained = _requirements.missing(error, f"zetl {options.command}", extras) if extras else None
        if explained is None:
            raise
        print(explained, file=sys.stderr)
    return 1


def parser() -> argparse.ArgumentParser:
    """Return the command-line parser."""
    parser: argparse.ArgumentParser = _Parser(
        prog="zetl", description="Commands for the tutorial on DynamoDB zero-ETL with SageMaker Lakehouse."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    _local_commands.add(commands)
    console_command.add(commands)

    run = commands.add_parser("run", help="run notebooks on a fresh local lakehouse and create pages from them")
    run.add_argument(
        "notebooks", nargs="*", metavar="NOTEBOOK", help="file or number, such as 04; default: all, in order"
    )
    run.add_argument("--out", type=Path, default=Path("build/tutorial"), help="default: build/tutorial")
    run.add_argument(
        "--store", action="store_true", help="store the outputs in the notebooks instead of creating pages"
    )
    run.set_defaults(run=_run_notebooks, extras="local,notebooks")

    settings = commands.add_parser("settings", help="show the settings, or change those of the tutorial's folder")
    settings.add_argument(
        "changes",
        nargs="*",
        metavar="NAME=VALUE",
        help="NAME is target, prefix, project or workgroup; an empty VALUE removes the setting",
    )
    settings.set_defaults(run=_change_settings)

    env = commands.add_parser("env", help="print the exports that point the AWS CLI to the local lakehouse")
    env.set_defaults(run=_env)

    policies = commands.add_parser("policies", help="write the policies with your account, Region and resource names")
    policies.add_argument("--out", type=Path, help="default: build/policies")
    policies.add_argument(
        "--learner", metavar="ARN", help="user or role that the learner's policies are for; default: you"
    )
    policies.set_defaults(run=_policies)

    stack = commands.add_parser("template", help="write a CloudFormation template for the tutorial's resources")
    stack.add_argument("--out", type=Path, help="default: print it")
    stack.set_defaults(run=_template)

    clean = commands.add_parser("cleanup", help="list the tutorial's resources and delete them")
    how = clean.add_mutually_exclusive_group()
    how.add_argument(
        "--dry-run", action="store_true", help="only list; the exit status is 0 if nothing is found, otherwise 1"
    )
    how.add_argument("--yes", action="store_true", help="delete without asking")
    clean.set_defaults(run=_cleanup)

    _class_commands.add(commands)
    _preflight_command.add(commands, _connect)

    kit = commands.add_parser("kit", help="write the instructor's kit")
    kit.add_argument("--out", type=Path, default=Path("build/kit"), help="default: build/kit")
    kit.set_defaults(run=_kit, extras="local,notebooks")

    site = commands.add_parser("site", help="build the static site from the notebooks' stored outputs")
    site.add_argument("--out", type=Path, default=Path("build/site"), help="default: build/site")
    site.set_defaults(run=_site, extras="local,notebooks,site")

    doctor = commands.add_parser("doctor", help="check that everything that the tutorial needs is available")
    doctor.set_defaults(run=_doctor)
    return parser


def _run_notebooks(options: argparse.Namespace) -> int:
    require_fork()
    from zetl_helpers.course import notebooks

    there = notebooks.find()
    paths = [_notebook(word, there) for word in options.notebooks] or there
    if not paths:
        raise UsageError("There are no notebooks here. Go to the tutorial's folder, or specify notebooks.")
    if not options.store:
        return notebooks.run(paths, options.out)
    if any(notebooks.is_packaged(path) for path in paths):
        raise UsageError("The installed package cannot store outputs. Go to a clone of the repository.")
    return notebooks.store_outputs(paths)


def _notebook(word: str, there: Sequence[Path]) -> Path:
    """Return the notebook for an argument, which is a file or the number of an existing notebook."""
    if Path(word).is_file() and word.endswith(".ipynb"):
        return Path(word)
    numbered = {int(path.name[:2]): path for path in there}
    if word.isdecimal() and int(word) in numbered:
        return numbered[int(word)]
    these = f"Available: {', '.join(map(str, there))}." if there else "Go to the tutorial's folder."
    raise UsageError(f"There is no notebook {word}. {these}")


def _connect(target: _settings.Target | None = None) -> Lab:
    from zetl_helpers.lab import connect

    return connect(target, tell=lambda text: print(text, file=sys.stderr))


def _under_existing(folder: Path) -> Path:
    """Create a folder, but fail if its parent does not exist, because the path is then probably a mistake."""
    if not folder.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {folder.absolute().parent}. Create it first, or specify another folder.")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {folder} cannot be created: {error.strerror}.") from error
    return folder


def _kit(options: argparse.Namespace) -> int:
    from zetl_helpers.course import kit, notebooks

    paths = notebooks.find()
    if not paths:
        raise UsageError("There are no notebooks here. Go to the tutorial's folder.")
    print(kit.write(paths, options.out)[0])
    return 0


def _site(options: argparse.Namespace) -> int:
    from zetl_helpers.course.notebooks import tutorial
    from zetl_helpers.course.site.build import build

    root = tutorial()
    if root is None:
        raise UsageError("There is no mkdocs.yml here. Go to the tutorial's folder.")
    logging.basicConfig(format="%(levelname)s %(message)s")  # MkDocs logs broken links
    print(build(root, options.out, parser()))
    return 0


def _env(_: argparse.Namespace) -> int:
    if _settings.target() == "aws":
        raise UsageError("ZETL_TARGET is aws, but zetl env supports only the local lakehouse. Unset ZETL_TARGET first.")
    from zetl_helpers.lab import local_environment

    lab = _connect("local")
    for name, value in local_environment(str(lab.endpoint), lab.region).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _change_settings(options: argparse.Namespace) -> int:
    names = {name.removeprefix("ZETL_").lower(): name for name in _settings.NAMES}
    changes = {}
    for word in options.changes:
        name, equals, value = word.partition("=")
        if not equals or name not in names:
            raise UsageError(f"{word!r} is not a setting. Write NAME=VALUE, where NAME is one of {', '.join(names)}.")
        changes[names[name]] = value
    readers = {
        "ZETL_TARGET": _settings.target,
        "ZETL_PREFIX": _settings.prefix,
        "ZETL_PROJECT": _settings.project,
        "ZETL_WORKGROUP": _settings.workgroup,
    }
    for name, value in changes.items():
        readers[name]({name: value})  # rejects invalid values
    if changes:
        print(f"Written to {_settings.write_file(changes)}. Environment variables take precedence over this file.")
    for name, read in readers.items():
        print(f"{name}={read()}")
    return 0


def _policies(options: argparse.Namespace) -> int:
    from zetl_helpers import permissions

    if options.learner and not re.fullmatch(r"arn:aws[\w-]*:iam::\d{12}:(role|user)/\S+", options.learner):
        raise UsageError(
            f"{options.learner!r} is not the ARN of an IAM user or role. A valid ARN looks like "
            "arn:aws:iam::123456789012:role/Name. Don't use a session ARN from AWS STS."
        )
    out = _under_existing(options.out) if options.out else Path("build/policies")
    for path in permissions.write_all(_connect(), out, learner=options.learner):
        print(path)
    return 0


def _template(options: argparse.Namespace) -> int:
    if options.out is not None:
        _under_existing(options.out.parent)
        if options.out.is_dir():
            raise UsageError(f"{options.out} is a folder. Specify a file: {options.out / 'template.json'}")
    from zetl_helpers import template

    lab = _connect()
    text = json.dumps(template.render(lab), indent=2)
    if options.out is None:
        print(text)
    else:
        options.out.write_text(text + "\n", encoding="utf-8")
        print(options.out)
    # These messages go to standard error, so that the template can be piped.
    for gap in template.gaps(lab):
        print(gap, file=sys.stderr)
    return 0


def _cleanup(options: argparse.Namespace) -> int:
    from zetl_helpers import cleanup

    lab = _connect()
    found = cleanup.plan(lab)
    print(cleanup.transcript(found))
    if not found and not found.unseen:
        print("All resources of the lab are deleted.")
        return 0
    if options.dry_run or not (options.yes or _confirmed(lab.account)):
        return 1
    failed = cleanup.apply(found, tell=print)["outcome"].str.startswith("failed").any()
    try:
        confirmation = cleanup.verify(lab, timeout=0 if failed else 60)
    except cleanup.LeftoverError as error:
        raise UsageError(str(error)) from error
    if failed:
        raise UsageError(cleanup.STEP_FAILED)
    print(confirmation)
    return 0


def _confirmed(account: str) -> bool:
    """Ask the user to confirm the account by typing its number."""
    if not sys.stdin.isatty():
        print("To delete these resources, run zetl cleanup in a terminal, or with --yes.")
        return False
    return input(f"To delete these resources, type the account number, {account}: ").strip() == account


def _doctor(_: argparse.Namespace) -> int:
    from zetl_helpers import doctor

    checks = doctor.examine()
    for check in checks:
        print(check)
    return 0 if all(check.ok for check in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
