"""The command line in processes of its own: each with an interpreter anew, or forked from one."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path

COLUMNS = {"COLUMNS": "200"}
LONGEST_S = 300
# Everything that the commands which are refused below import before they refuse.
_WARM = """
import json, os, sys
from experiments.command import main
sys.modules["pylab"] = None
import experiments.compare.main_job, experiments.kit.registry
import bridge.recordings.formats, pandas, sklearn.model_selection
experiments.kit.registry.find("lif-closed-form")
exec(sys.argv[1])
for line in sys.stdin:
    words, folder, out, err = json.loads(line)
    child = os.fork()
    if child == 0:
        for number, name in ((1, out), (2, err)):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        os.chdir(folder)
        sys.argv = ["neurosim", *words]
        status = 1
        try:
            main.main()
        except SystemExit as end:
            status = end.code or 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def neurosim(*arguments, cwd=None, **environment):
    """Run the command as a user does, in a Python that has imported nothing."""
    return subprocess.run(
        [sys.executable, "-m", "experiments.command.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | COLUMNS | environment,
        timeout=LONGEST_S,
    )


class Commands:
    """Run many commands, each forked from one process that has imported what they need.

    A command that is refused spends nearly all its 2 s on imports. What it says, its exit status
    and what it leaves are those of a process of its own. `also` is what else is imported before.
    """

    def __init__(self, scratch: Path, also: str = "") -> None:
        self.scratch = scratch
        self.also = also
        self.process: subprocess.Popen[str] | None = None

    def run(self, *arguments, cwd=None):
        """Run one command, as `neurosim` does."""
        if not hasattr(os, "fork"):
            return neurosim(*arguments, cwd=cwd)
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _WARM, self.also],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=os.environ | COLUMNS,
            )
        out, err = self.scratch / "out", self.scratch / "err"
        task = [list(map(str, arguments)), str(cwd or Path.cwd()), str(out), str(err)]
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], LONGEST_S)
        if not ready:
            self.process.kill()
            raise AssertionError(f"{task[0]} goes on after {LONGEST_S} s: {err.read_text()}")
        status = int(self.process.stdout.readline())
        return subprocess.CompletedProcess(task[0], status, out.read_text(), err.read_text())

    def close(self) -> None:
        """End the process that is forked from."""
        if self.process is not None:
            self.process.communicate()
