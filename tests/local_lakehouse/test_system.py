"""Tests that only `system.py` depends on the operating system, and that errors on Windows suggest WSL or AWS."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import zetl_helpers
from local_lakehouse import daemon, system
from local_lakehouse.lakehouse import Lakehouse, Settings
from zetl_helpers.cli import main
from zetl_helpers.lab import ConnectionRefusedByLabError

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
ALLOWED = ROOT / "local_lakehouse" / "system.py"
# These modules and names are missing on POSIX or Windows, or have a different meaning on each system.
MODULES = {"fcntl", "grp", "msvcrt", "posix", "pty", "pwd", "resource", "signal", "termios", "winreg"}
NAMES = {
    "os": {
        "fork", "forkpty", "getegid", "geteuid", "getgid", "getpgid", "getpgrp", "getuid", "kill", "killpg", "mkfifo",
        "name", "nice", "openpty", "register_at_fork", "setpgid", "setsid", "sysconf", "wait", "wait3", "wait4",
        "waitpid", "waitstatus_to_exitcode",
    },
    "socket": {"AF_UNIX", "recv_fds", "send_fds"},
    "sys": {"getwindowsversion", "platform"},
    "multiprocessing": {"get_context", "set_start_method"},
}  # fmt: skip
KEYWORDS = {"creationflags", "pass_fds", "preexec_fn", "process_group", "start_new_session"}


def uses(tree: ast.Module) -> Iterator[str]:
    """Yield the system-specific names that a module's code uses."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from MODULES.intersection(alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield from MODULES & {module}
                yield from (f"{module}.{each.name}" for each in names if each.name in NAMES.get(module, ()))
            case ast.Attribute(value=ast.Name(id=module), attr=name) if name in NAMES.get(module, ()):
                yield f"{module}.{name}"
            case ast.Call(func=ast.Name(id="hasattr"), args=[ast.Name(id=module), ast.Constant(value=str(name))]):
                yield from (f"{module}.{each}" for each in NAMES.get(module, set()) & {name})
            case ast.keyword(arg=str(name)) if name in KEYWORDS:
                yield name
            case ast.Constant(value=str(text)) if text.startswith("/proc/"):
                yield "/proc"


def test_no_other_module_uses_system_specific_features() -> None:
    modules = [path for package in ("local_lakehouse", "zetl_helpers") for path in (ROOT / package).rglob("*.py")]
    found = {
        path.relative_to(ROOT).as_posix(): sorted(set(uses(ast.parse(path.read_text(encoding="utf-8")))))
        for path in modules
        if path != ALLOWED
    }
    assert ALLOWED in modules
    assert {name: used for name, used in found.items() if used} == {}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import signal", ["signal"]),
        ("from os import fork", ["os.fork"]),
        ("def f():\n    import fcntl", ["fcntl"]),
        ("os.kill(1, 9)", ["os.kill"]),
        ("hasattr(os, 'getuid')", ["os.getuid"]),
        ("subprocess.Popen([], start_new_session=True)", ["start_new_session"]),
        ("open('/proc/meminfo')", ["/proc"]),
        ("sys.platform == 'win32'", ["sys.platform"]),
        ("os.getpid(); socket.socketpair()", []),
    ],
)
def test_each_form_of_use_is_found(code: str, found: list[str]) -> None:
    assert list(uses(ast.parse(code))) == found


class TestWithoutFork:
    """Tests that without `os.fork`, as on Windows, every part that needs the local lakehouse suggests WSL or AWS.

    The message does not depend on the installed packages.
    """

    SUGGESTION = "Install and run it in WSL, or set ZETL_TARGET=aws"

    @pytest.fixture(autouse=True)
    def no_fork(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.delattr("os.fork")
        monkeypatch.setenv("ZETL_STATE_DIR", str(tmp_path / "state"))
        monkeypatch.delenv("ZETL_TARGET", raising=False)

    @pytest.mark.parametrize(
        "words", [["local", "start"], ["local", "start", "--foreground"], ["run"], ["cleanup"], ["env"]], ids=" ".join
    )
    def test_command_suggests_wsl_or_aws(self, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        assert main(words) == 1
        printed = capsys.readouterr()
        assert self.SUGGESTION in printed.err
        assert printed.out == ""

    def test_connect_suggests_wsl_or_aws_before_it_reports_missing_packages(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(ConnectionRefusedByLabError, match=self.SUGGESTION):
            zetl_helpers.connect()

    def test_daemon_start_suggests_wsl_or_aws(self, tmp_path: Path) -> None:
        with pytest.raises(daemon.LakehouseError, match=self.SUGGESTION):
            daemon.start(tmp_path)

    def test_lakehouse_suggests_wsl_or_aws(self) -> None:
        with pytest.raises(system.UnsupportedSystemError, match=self.SUGGESTION):
            Lakehouse(Settings())


def test_system_module_imports_only_the_standard_library() -> None:
    code = "import sys; import local_lakehouse.system; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert {"boto3", "duckdb", "psutil", "pyarrow"}.isdisjoint(done.stdout.split())
