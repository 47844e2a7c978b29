"""The scripts run where they are said to: any Linux and macOS, whose bash is 3.2 and whose tools are not GNU's."""

from pathlib import Path
import re
import shutil
import subprocess
import sys

import pytest

from .test_repository import BASH_SCRIPTS, ROOT, name_of

#: What bash learned after 3.2.
NEW_BASH = re.compile(
    r"\b(?:mapfile|readarray|coproc|EPOCHSECONDS|EPOCHREALTIME)\b"
    r"|\b(?:declare|local|typeset) -\w*[Ang]"
    r"|\$\{!?\w+(?:\[[^]]*\])?(?:\^|,|@[a-zA-Z]\})"
    r"|&>>|\|&|;;?&|\bwait -\w*n|%\(|\[\[ -v |\bexec \{|\[-\d+\]|\bshopt -s (?:globstar|lastpipe|inherit_errexit)"
)
#: What the tools of macOS or of busybox (Alpine) do not know.
GNU_ONLY = re.compile(
    r"\bgrep\b[^|;]* (?:-\w*P|--(?!quiet)\w)|\bsed -\w*[iuz]|-printf\b|\breadlink -f|\bstat -c|\bdate -[dI]"
    r"|\bxargs -\w*[rd]|\bsort -\w*[Vh]|\bhead -n ?-|\bpaste -\w+[^-]*$|\bdu -\w*b|\bbase64 -w|\binstall -D"
    r"|\b(?:realpath|nproc|tac|sha256sum|md5sum|truncate)\b"
)
#: Programs that macOS has not: used only below the line that looks for them.
MISSING = ("flock", "timeout", "dpkg-deb")
DEBIAN = "command -v apt-get"
#: What each Unix has.
TOOLS = (
    *(
        "awk",
        "bash",
        "cat",
        "chmod",
        "cksum",
        "dirname",
        "find",
        "grep",
        "head",
        "ln",
        "ls",
    ),
    *(
        "mkdir",
        "mv",
        "rm",
        "sed",
        "sh",
        "sleep",
        "sort",
        "tail",
        "tr",
        "uname",
        "xargs",
    ),
)


def unportable(text: str) -> list[str]:
    """Return the lines of a script that do not run everywhere: those for Debian alone may."""
    found, before = [], ""
    for line in text.splitlines():
        code = re.sub(r"(^|\s)#.*", "", line)
        unasked = [
            name
            for name in MISSING
            if re.search(rf"(?<!command -v )\b{name}\b(?! is)", code)
            and f"command -v {name}" not in before + code
            and DEBIAN not in before + code
        ]
        is_gnu = GNU_ONLY.search(code) and DEBIAN not in before
        if unasked or is_gnu or NEW_BASH.search(code):
            found.append(line)
        before += code
    return found


@pytest.mark.parametrize("path", BASH_SCRIPTS, ids=name_of)
def test_portable(path: Path) -> None:
    """A script asks nothing of bash or of a tool that another machine does not have."""
    assert unportable(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "mapfile -t rows <file",
        "declare -A rows",
        'echo "${name,,}"',
        'echo "${name^}"',
        "run |& tee log",
        "run &>>log",
        "last=${rows[-1]}",
        "uv sync | grep --line-buffered -v x",
        "grep -oP x file",
        "sed -i s/a/b/ file",
        "find . -printf %h",
        "readlink -f x",
        "exec 9>x; flock 9",
        "timeout 5 run",
    ],
)
def test_a_mistake_is_found(line: str) -> None:
    """The check names each of these."""
    assert unportable(line) == [line]
    assert unportable(f"# {line}") == []


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a machine that has nothing but what each Unix has."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    return {"PATH": str(folder), "HOME": str(tmp_path)}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout of the scripts, where nothing was fetched yet."""
    folder = tmp_path / "checkout"
    for name in ("scripts", "requirements"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def program(path: Path, text: str) -> None:
    """Write a program in the place of another."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def run(script: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script."""
    return subprocess.run(
        [script], env=environment, capture_output=True, text=True, check=False
    )


def test_machine_without_python(checkout: Path, machine: dict[str, str]) -> None:
    """Where nothing can be fetched with, one line says what to install, on each system."""
    done = run(checkout / "scripts/python", machine)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("• No Python >= 3.14.2")
    for install in ("apt install", "dnf install", "xcode-select"):
        assert install in line


@pytest.fixture
def fetched(checkout: Path) -> Path:
    """Return the checkout with a Python and a uv that does as it is told by FAILS."""
    program(
        checkout / "python",
        f'[ "$MACHINE" ] && echo "$MACHINE" || exec {sys.executable} "$@"',
    )
    program(checkout / "scripts/python", f"echo {checkout}/python")
    program(checkout / "scripts/uv", f"echo {checkout}/uv")
    program(checkout / "scripts/frontend", "")
    program(
        checkout / "uv",
        f"""\
for last; do :; done
case $1 in
  venv) mkdir -p "$last/bin" && ln -s {sys.executable} "$last/bin/python" ;;
  *)
    echo "Downloading numpy (16.2MiB)"
    echo " + numpy==1.2.3"
    echo "error: no wheel" | grep "${{FAILS:-nothing}}" && exit 1
    exit 0
    ;;
esac""",
    )
    return checkout


def test_setup(fetched: Path, machine: dict[str, str]) -> None:
    """It needs nothing more, tells its progress, and not each package; the next time is quick."""
    done = run(fetched / "scripts/setup", machine)
    assert (done.returncode, done.stdout) == (0, f"{fetched}/.venv\n"), done.stderr
    assert "Downloading numpy" in done.stderr
    assert "numpy==" not in done.stderr
    assert "not found" not in done.stderr
    assert done.stderr.endswith("• Home Assistant 2026.10: ready\n")
    again = run(fetched / "scripts/setup", machine)
    assert (again.stdout, again.stderr) == (done.stdout, "")


def test_setup_that_fails(fetched: Path, machine: dict[str, str]) -> None:
    """What uv says is shown, with what helps: where a wheel is missing, a compiler."""
    done = run(fetched / "scripts/setup", {**machine, "FAILS": "error"})
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: no wheel" in done.stderr
    assert "install one" in done.stderr.splitlines()[-1]
    assert not (fetched / ".venv/.ready").exists()


@pytest.mark.parametrize(
    "name",
    [
        "Linux x86_64 cpython-314-x86_64-linux-musl",
        "Darwin x86_64 cpython-314-darwin",
    ],
)
def test_machine_that_packages_are_not_built_for(
    fetched: Path, machine: dict[str, str], name: str
) -> None:
    """One line says so and what will do, before anything is downloaded."""
    done = run(fetched / "scripts/setup", {**machine, "MACHINE": name})
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert name in line
    assert "glibc" in line
    assert not (fetched / ".venv").exists()


def test_machine_has_nothing_more(machine: dict[str, str]) -> None:
    """The machine of these tests has neither what Debian alone has, nor a Python."""
    names = {path.name for path in Path(machine["PATH"]).iterdir()}
    assert not {*MISSING, "apt-get", "python3", "uv", "git"} & names
