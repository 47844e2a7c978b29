"""The list of dangerous mistakes fits the code, and its runner tells the truth.

That the tests notice every mistake is `scripts/mutants`' to say: it takes a quarter of an hour.
"""

import ast
from pathlib import Path
from shutil import copy2
import subprocess

import pytest

from scripts.mutation import (
    PLUGIN,
    ROOT,
    Mutant,
    Outcome,
    StaleError,
    chosen,
    load,
    main,
    run,
    summary,
)

MUTANTS = load()


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_mistake_can_be_made(mutant: Mutant) -> None:
    """A mistake has exactly one place in the code."""
    mutant.apply((ROOT / mutant.file).read_text("utf-8"))


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_tests_of_a_mistake_are_there(mutant: Mutant) -> None:
    """The tests that must notice a mistake are named, and exist."""
    assert mutant.tests
    for test in mutant.tests:
        path, _, name = test.partition("::")
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        names = {node.name for node in ast.walk(tree) if isinstance(node, functions)}
        assert {name} <= names | {""}


def test_list() -> None:
    """There are mistakes in both integrations, each with a name of its own."""
    names = [mutant.name for mutant in MUTANTS]
    assert len(set(names)) == len(names) >= 84
    assert {Path(mutant.file).parts[1] for mutant in MUTANTS} == {
        "community_safety",
        "rental_units",
    }


SOURCE = """
def greater(a, b):
    return a > b


class Scale:
    def greater(self, a, b):
        if (
            a
            > b
        ):
            return True
        return False
"""
TEST = "from code_under_test import greater\n\n\ndef test_it():\n    assert greater(2, 1)\n"


def mistake(after: str, **more: str) -> Mutant:
    """Return a mistake in the sample."""
    row = {
        "name": after,
        "file": "code_under_test.py",
        "where": "",
        "before": "return a > b",
        "danger": "none",
        **more,
    }
    return Mutant(**row, after=after, tests=("test_code.py",))


@pytest.mark.parametrize(
    ("where", "before", "after", "result"),
    [
        ("", "return a > b", "return a < b", "return a < b\n"),
        # The formatter may break lines as it likes.
        ("Scale.greater", "if ( a > b ):", "if a < b:", "        if a < b:\n"),
        ("Scale", "return True", "return None", "return None\n"),
    ],
)
def test_place(where: str, before: str, after: str, result: str) -> None:
    """A mistake is made in the function or class that it names."""
    assert result in mistake(after, where=where, before=before).apply(SOURCE)


@pytest.mark.parametrize(
    ("where", "before", "after"),
    [
        ("", "a >= b", "a"),
        ("", "a > b", "a"),
        ("greater", "return a > b", "return b"),
        ("Nowhere", "return a > b", "return b"),
        ("", "return a > b", "return ("),
        ("", "return a > b", "return a >  b"),
    ],
    ids=["missing", "twice", "function twice", "no function", "syntax", "no change"],
)
def test_stale(where: str, before: str, after: str) -> None:
    """A mistake without exactly one place, or that is none, is said to be stale."""
    with pytest.raises(StaleError):
        mistake(after, where=where, before=before).apply(SOURCE)


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """Return a small repository with one test."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / "code_under_test.py").write_text(SOURCE)
    (tmp_path / "test_code.py").write_text(TEST)
    # Home Assistant's plug-in for pytest is installed, and asks for this.
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    if (ROOT / PLUGIN).is_file():
        (tmp_path / "tests").mkdir()
        for name in ("tests/__init__.py", PLUGIN):
            copy2(ROOT / name, tmp_path / name)
    return tmp_path


# On a busy machine each of its five runs may take half a minute.
@pytest.mark.timeout(300)
def test_run(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each mistake is made alone, and told by what came of it."""
    counts = run(
        [
            mistake("return a < b"),
            mistake("return a >= b"),
            mistake("return a", before="return b"),
            mistake("import missing_module", before="def greater(a, b): return a > b"),
        ],
        2,
        sample,
    )
    assert [counts[outcome] for outcome in Outcome] == [1, 1, 1, 1]
    assert summary(counts).endswith("25.0% killed")
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("killed   return a < b")
    assert (sample / "code_under_test.py").read_text() == SOURCE


def test_run_needs_tests_that_pass(sample: Path) -> None:
    """Tests that fail without any mistake prove nothing."""
    (sample / "test_code.py").write_text(TEST.replace("2, 1", "1, 2"))
    with pytest.raises(RuntimeError, match="without any mistake"):
        run([mistake("return a < b")], 1, sample)


def test_choice(capsys: pytest.CaptureFixture[str]) -> None:
    """Words choose by name or file; the list says which and how many."""
    first = MUTANTS[0]
    assert chosen(MUTANTS, [first.name]) == [first]
    assert chosen(MUTANTS, []) == MUTANTS
    assert main(["--list", first.name]) == 0
    assert capsys.readouterr().out.startswith(first.name)
