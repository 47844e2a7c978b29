"""Kill -9 while units of before are taken over: nothing is lost, and nothing is there twice."""

from collections.abc import Callable, Iterator
import json
import os
from pathlib import Path
import signal
import subprocess
import sys
from typing import Any

import pytest

from tests.rental_units.postgresql import postgresql

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(1800)
#: RENTAL_UNITS_MIGRATION_UNITS=2000 is a large register.
UNITS = int(os.environ.get("RENTAL_UNITS_MIGRATION_UNITS", "8"))
#: Entities of before of each unit.
KEYS = 3
ALL = "entries,devices,entities"
#: At which call, and which stores have come to the disk by then.
KILLS = (
    "rows:1:",
    f"entity:{UNITS}:entities",
    f"entity:{KEYS * UNITS}:{ALL}",
    f"device:{UNITS // 2}:devices,entities",
    f"device:{UNITS}:devices",
    "subentry:1:",
    f"subentry:{UNITS // 2}:{ALL}",
    # The registries are written later: they lead to subentries that are no more.
    f"subentry:{UNITS // 2}:entries",
    f"subentry:{UNITS}:entries",
    f"subentry:{UNITS}:devices,entities",
)


type Program = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    """Return what runs the program with arguments: how it has ended, and what it printed."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.live.takeover"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout

        def run(folder: Path, *arguments: str) -> tuple[int, str]:
            assert process.stdin
            assert process.stdout
            process.stdin.write(
                json.dumps([str(folder), str(UNITS), *arguments]) + "\n"
            )
            process.stdin.flush()
            code, output = json.loads(process.stdout.readline())
            return code, output

        yield run
        process.stdin.close()


def prepared(program: Program, folder: Path, url: str) -> dict[str, Any]:
    """Write what a release of before has left; return what a person has made of it."""
    (folder / "custom_components").mkdir(parents=True)
    (folder / "custom_components" / "rental_units").symlink_to(
        ROOT / "custom_components" / "rental_units"
    )
    (folder / "configuration.yaml").touch()
    assert program(folder, "prepare", url)[0] == 0
    code, output = program(folder, "show")
    assert code == 0
    before: dict[str, Any] = json.loads(output.splitlines()[-1])
    assert len(before["linked"]) == (1 + KEYS) * UNITS
    return before


def check(before: dict[str, Any], output: str) -> None:
    """Find everything as it was, and the units in the database."""
    after = json.loads(output.splitlines()[-1])
    ids = sorted(f"unit{number}" for number in range(UNITS))
    assert (after["known"], after["subentries"], after["linked"]) == (ids, [], [])
    assert after["version"] == [1, 2]
    rows = [row for row in after["units"] if isinstance(row, list)]
    assert [row[0] for row in rows] == ids
    for unit_id, key, rooms, address, removed_at, is_mirror in rows:
        number = int(unit_id.removeprefix("unit"))
        assert key == f"1/{number % 4}/{number}"
        assert (rooms, address) == (1 + number % 3, f"MARK-ADDRESS-{number}")
        assert (removed_at, is_mirror) == (None, False)
    leases = [row for row in after["units"] if isinstance(row, str)]
    assert leases == sorted(
        f"unit{number}:{role}{number}"
        for number in range(UNITS)
        for role in ("tenant", "landlord")
    )
    assert after["alerts"] == sorted(
        f"alert{number} ['unit{number}']" for number in range(UNITS)
    )
    for kind in ("devices", "entities"):
        assert {key: after[kind].get(key) for key in before[kind]} == before[kind]
    of_units = [
        row[0] for row in after["devices"].values() if row[0] != ["01placeholder"]
    ]
    assert sorted(of_units) == [[key] for key in ids]


def take_over(program: Program, folder: Path, url: str, kills: tuple[str, ...]) -> None:
    """Kill it at each of these calls, one start after another, and let it end."""
    before = prepared(program, folder, url)
    for kill in kills:
        code, output = program(folder, "run", kill)
        # What an earlier start has done already is not done again, and not killed in.
        assert code == -signal.SIGKILL or len(kills) > 1
        if code == 0:
            check(before, output)
    for _ in range(2):
        code, output = program(folder, "run")
        assert code == 0
        check(before, output)


@pytest.mark.parametrize("kill", KILLS)
def test_killed_in_the_takeover(program: Program, tmp_path: Path, kill: str) -> None:
    """The next start does the rest, whatever of the three stores had come to the disk."""
    take_over(program, tmp_path / "house", "", (kill,))


@pytest.fixture
def url(socket_enabled: None) -> Any:
    """Return the URL of a PostgreSQL."""
    try:
        with postgresql() as found:
            yield found
    except RuntimeError as err:
        pytest.skip(str(err))


def test_killed_in_the_takeover_on_postgresql(
    program: Program, url: str, tmp_path: Path
) -> None:
    """The same there, killed again and again."""
    take_over(program, tmp_path / "house", url, KILLS)
