"""What HACS asks of a repository, by its own action."""

import os
from pathlib import Path
import re
import subprocess
import sys

import pytest

from scripts.packaging import contents, lay_out
from tests.bundled import files_of

from .github import REPOSITORY, TOKEN, GitHub, Release
from .installers import copy_hacs
from .test_life import release

#: Runs the action's program, with GitHub at an address.
PROGRAM = """\
import runpy, sys
address, ours, hacs, action = sys.argv[1:]
sys.path[:0] = [ours, hacs]
from house import redirect
redirect(address)
runpy.run_path(action, run_name="__main__")
"""


@pytest.mark.parametrize("kind", ["repository", "store"])
def test_hacs_action(
    tmp_path: Path, request: pytest.FixtureRequest, socket_enabled: None, kind: str
) -> None:
    """It finds nothing in our repository, nor in that of the store."""
    if not (checkout := request.config.getoption("--hacs", None)):
        pytest.skip("--hacs names no checkout")
    made = release(contents(), tmp_path)
    if kind == "store":
        lay_out(tmp_path / "store")
        made = Release(made.tag, files_of(tmp_path / "store"), made.asset)
    copy_hacs(Path(checkout), tmp_path / "hacs/custom_components")
    with GitHub() as github:
        github.releases = [made]
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                PROGRAM,
                github.address,
                str(Path(__file__).parent),
                str(tmp_path / "hacs"),
                str(Path(checkout).absolute() / "action/action.py"),
            ],
            cwd=tmp_path,
            env={
                **os.environ,
                "CATEGORY": "integration",
                "GITHUB_REPOSITORY": REPOSITORY,
                "INPUT_GITHUB_TOKEN": TOKEN,
                "REPOSITORY": REPOSITORY,
            },
            capture_output=True,
            text=True,
            check=False,
        )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert re.search(r"All \(\d+\) checks passed", said)
