"""A script that runs several `zetl` commands in one process.

``python -m tests.run_commands COMMAND …`` prints the exit status and standard error of each command as JSON.
"""

import contextlib
import io
import json
import shlex
import sys
import traceback

from zetl_helpers.cli import main


def run(command: str) -> dict[str, object]:
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
        try:
            status = main(shlex.split(command))
        except Exception:  # noqa: BLE001  (The test needs the traceback that a user would see.)
            status = -1
            errors.write(traceback.format_exc())
    return {"command": command, "status": status, "error": errors.getvalue().strip()}


if __name__ == "__main__":
    for each in sys.argv[1:]:
        print(json.dumps(run(each)))
