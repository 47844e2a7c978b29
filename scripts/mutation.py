"""Dangerous mistakes, as data, and the tests that must notice them.

A mistake is a table of a file in tests/mutants/:

    [[mutant]]
    name = "cut-off-believes-offline-device"
    file = "community_safety/core/disconnect.py"
    where = "CutOff._is_proven"
    before = "and supply.device.available"
    after = ""
    danger = "old readings of an offline device prove a cut-off"
    tests = ["community_safety/core/test_disconnect.py::test_…"]

Files are below custom_components/, tests below tests/. `before` must be found exactly once in the function or class `where` (in the whole file without
it); any white space there matches any other. Each mistake is made in a copy of the repository,
and its tests are run: one that fails, or that does not end, has killed the mistake. A mistake
that can no longer be made (`before` is not there, or more than once) is stale, and that is an error.
"""

import argparse
import ast
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
import os
from pathlib import Path
from queue import SimpleQueue
import re
import shutil
import subprocess
import sys
from tempfile import TemporaryDirectory
import time
import tomllib

from homeassistant.const import MAJOR_VERSION, MINOR_VERSION

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "tests/mutants"
#: What the tests need beside their own code on this release of Home Assistant, if anything.
PLUGIN = f"tests/home_assistant_{MAJOR_VERSION}_{MINOR_VERSION:02}.py"
#: Seconds that the tests of one mistake may take: one that makes them hang is noticed too.
LONGEST = 300
#: The same for all their tests together, without a mistake, on a machine that does other work too.
LONGEST_OF_ALL = 3600
#: What pytest returns where tests have failed, and how its lines about them begin.
TESTS_FAILED = 1
_RESULTS = ("FAILED ", "ERROR ")


class StaleError(Exception):
    """A mistake that the code no longer has a place for."""


class Outcome(StrEnum):
    """What came of a mistake."""

    KILLED = "killed"
    SURVIVED = "survived"
    STALE = "stale"
    #: Its tests could not be run at all: no verdict.
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A mistake. Paths and tests are relative to the root of the repository."""

    name: str
    file: str
    before: str
    after: str
    danger: str
    tests: tuple[str, ...]
    where: str = ""

    def apply(self, source: str) -> str:
        """Return a file's text with the mistake. Raises StaleError."""
        begin, end = _span(source, self.where)
        pattern = r"\s+".join(re.escape(word) for word in self.before.split())
        found = list(re.compile(pattern).finditer(source, begin, end))
        if len(found) != 1:
            raise StaleError(f"found {len(found)} times instead of once")
        changed = source[: found[0].start()] + self.after + source[found[0].end() :]
        try:
            tree = ast.parse(changed)
        except SyntaxError as err:
            raise StaleError(f"no longer fits: {err}") from err
        if ast.dump(tree) == ast.dump(ast.parse(source)):
            raise StaleError("changes nothing")
        return changed


def _span(source: str, where: str) -> tuple[int, int]:
    """Return where a function or class begins and ends. Raises StaleError."""
    node: ast.AST = ast.parse(source)
    if not where:
        return 0, len(source)
    for name in where.split("."):
        found = [
            child
            for child in ast.walk(node)
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and child.name == name
            and child is not node
        ]
        if len(found) != 1:
            raise StaleError(f"{where} is there {len(found)} times instead of once")
        node = found[0]
    lines = [0]
    for line in source.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    assert isinstance(node, ast.stmt)
    assert node.end_lineno is not None
    return lines[node.lineno - 1], lines[node.end_lineno]


def load(folder: Path = FOLDER) -> list[Mutant]:
    """Return all mistakes. Raises KeyError or TypeError for a table with other keys."""
    return [
        Mutant(
            **{
                **row,
                "file": f"custom_components/{row['file']}",
                "tests": tuple(f"tests/{test}" for test in row["tests"]),
            }
        )
        for path in sorted(folder.glob("*.toml"))
        for row in tomllib.loads(path.read_text("utf-8"))["mutant"]
    ]


class Copy:
    """A copy of the repository, in which one mistake at a time is made."""

    def __init__(self, root: Path, folder: Path) -> None:
        """Copy what git knows, also what is not committed."""
        self.folder = folder
        names = subprocess.check_output(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root,
            text=True,
        )
        for name in filter(None, names.split("\0")):
            if (root / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, folder / name)
        # What tests fetch is fetched once: brokers, interpreters.
        if (root / ".cache").is_dir():
            (folder / ".cache").symlink_to(root / ".cache")

    def check(self, mutant: Mutant) -> tuple[Outcome, str]:
        """Make a mistake, run its tests and take it back; return what came of it, and why."""
        path = self.folder / mutant.file
        try:
            source = path.read_text("utf-8")
            changed = mutant.apply(source)
        except (OSError, StaleError) as err:
            return Outcome.STALE, str(err)
        self._write(path, changed)
        try:
            return self.run(mutant.tests)
        finally:
            self._write(path, source)

    def run(self, tests: Sequence[str], longest: int = LONGEST) -> tuple[Outcome, str]:
        """Run tests, for so many seconds; return if one has failed, and which."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0"]
        command += ["--no-header", "--show-capture=no", "-p", "no:cacheprovider"]
        if (self.folder / PLUGIN).is_file():
            command += ["-p", PLUGIN.removesuffix(".py").replace("/", ".")]
        # Each test of a register runs on two kinds of database; one finds a mistake as well.
        command += ["-k", "not postgresql", *tests]
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                capture_output=True,
                text=True,
                timeout=longest,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Outcome.KILLED, "its tests do not end"
        lines = (done.stdout.strip() or done.stderr.strip()).splitlines()
        why = next((row for row in lines if row.startswith(_RESULTS)), lines[-1])
        if done.returncode == 0:
            return Outcome.SURVIVED, why
        if done.returncode == TESTS_FAILED:
            return Outcome.KILLED, why
        return Outcome.BROKEN, why

    @staticmethod
    def _write(path: Path, source: str) -> None:
        # Within the same second and of the same length, compiled code would seem to be up to date.
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            compiled.unlink()
        path.write_text(source, "utf-8")


def run(mutants: Sequence[Mutant], jobs: int, root: Path = ROOT) -> Counter[Outcome]:
    """Make mistakes, so many at a time; tell each and return how many came to what.

    Raises RuntimeError if the tests fail without any mistake: they would prove nothing.
    """
    counts: Counter[Outcome] = Counter()
    with TemporaryDirectory(prefix="mutants-") as folder:
        copies: SimpleQueue[Copy] = SimpleQueue()
        for number in range(jobs):
            copies.put(Copy(root, Path(folder) / str(number)))

        def check(mutant: Mutant) -> tuple[Mutant, Outcome, str, float]:
            copy, begun = copies.get(), time.monotonic()
            try:
                return mutant, *copy.check(mutant), time.monotonic() - begun
            finally:
                copies.put(copy)

        copy = copies.get()
        outcome, why = copy.run(
            sorted({test for row in mutants for test in row.tests}), LONGEST_OF_ALL
        )
        copies.put(copy)
        if outcome is not Outcome.SURVIVED:
            raise RuntimeError(f"the tests fail without any mistake: {why}")
        with ThreadPoolExecutor(jobs) as pool:
            for mutant, outcome, why, seconds in pool.map(check, mutants):
                counts[outcome] += 1
                print(f"{outcome:8} {mutant.name} ({seconds:.0f} s)", flush=True)
                if outcome is not Outcome.KILLED:
                    print(f"         {mutant.file}: {why}\n         {mutant.danger}")
    return counts


def summary(counts: Counter[Outcome]) -> str:
    """Return the rate in a line."""
    parts = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome)
    return f"{parts}: {counts[Outcome.KILLED] / max(1, counts.total()):.1%} killed"


def chosen(mutants: Iterable[Mutant], words: Sequence[str]) -> list[Mutant]:
    """Return the mistakes whose name or file contains one of the words; all without words."""
    return [
        mutant
        for mutant in mutants
        if not words or any(word in f"{mutant.name} {mutant.file}" for word in words)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return 0 if every chosen mistake was killed."""
    parser = argparse.ArgumentParser(prog="scripts/mutants")
    parser.add_argument("words", nargs="*", help="in the name or file of a mistake")
    parser.add_argument("--list", action="store_true", help="only say which")
    parser.add_argument(
        "--jobs",
        type=int,
        default=2,
        choices=range(1, (os.cpu_count() or 1) + 1),
        metavar="N",
        help="at a time, at most as many as there are cores",
    )
    options = parser.parse_args(arguments)
    mutants = chosen(load(), options.words)
    if options.list:
        for mutant in mutants:
            print(f"{mutant.name}\n    {mutant.file}: {mutant.danger}")
        print(f"{len(mutants)} mistakes")
        return 0
    counts = run(mutants, options.jobs)
    print(summary(counts))
    return 0 if counts.total() == counts[Outcome.KILLED] > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
