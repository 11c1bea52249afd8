"""The oldest Python that the agent promises to run under, where there is one."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def works(path):
    """A version manager's stand-in may be on the path without the Python behind it."""
    check = [path, "-c", "import ssl, ctypes, sys; sys.exit(sys.version_info[:2] != (3, 9))"]
    return bool(path) and subprocess.run(check, capture_output=True, check=False).returncode == 0


def oldest():
    """A Python 3.9: the one that is named, the one on the path, or one that pyenv keeps."""
    kept = sorted((Path.home() / ".pyenv" / "versions").glob("3.9*/bin/python3.9"))
    found = [os.environ.get("PYTHON39"), shutil.which("python3.9"), *map(str, kept)]
    return next(filter(works, found), None)


OLDEST = oldest()


@pytest.mark.skipif(not OLDEST, reason="there is no Python 3.9 here; name one in PYTHON39")
def test_the_agent_runs_under_python_3_9(make_agent, stage):
    agent = make_agent(python=OLDEST)
    assert agent.register().returncode == 0
    agent.start()
    stage.wait_for_channel()

    stage.run("t-1", "echo $PPID; exit 4")
    stage.run("t-2", "sleep 600")
    stage.run("t-3", "true", repeat="Period", cron="* * * ? * 0-6 Europe/Berlin")
    finished = stage.final("t-1")
    assert stage.final("t-3").kind == "finish"

    assert (finished.parameters["exitCode"], stage.output("t-1")) == ("4", b"%d\n" % agent.pid)
    agent.terminate()
    assert stage.final("t-2").kind == "error"
    assert "Traceback" not in agent.log
