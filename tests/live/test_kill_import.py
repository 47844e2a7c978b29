"""Kill -9 in an import: each unit is there as a whole or not at all, and it can be resumed."""

import asyncio
from contextlib import closing
import json
import os
from pathlib import Path
import sqlite3
import sys

import pytest

from simulator.broker import free_port

ROOT = Path(__file__).parents[2]
#: Real seconds; a busy machine takes a minute to start a house.
PATIENCE = 120
pytestmark = pytest.mark.timeout(600)
UNITS = 600
#: A landlord and two tenants.
PEOPLE = 3


def prepare(folder: Path) -> None:
    """Write the file of the register."""
    (folder / "configuration.yaml").write_text("logger:\n  default: error\n")
    (folder / "custom_components").mkdir()
    (folder / "custom_components" / "rental_units").symlink_to(
        ROOT / "custom_components" / "rental_units"
    )
    (folder / "rental_units").mkdir()
    lines = ["building,number,role,name,phone", ",,fire_post,MARK-F,13700000001"]
    lines += [
        f"1,{number},{role},MARK-{number}-{person},{13800000000 + 3 * number + person}"
        for number in range(UNITS)
        for person, role in enumerate(("landlord", "tenant", "tenant"))
    ]
    (folder / "rental_units" / "register.csv").write_text("\n".join(lines))


async def start(folder: Path) -> asyncio.subprocess.Process:
    """Start the process, which begins to import."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.live.importing", str(folder)),
        cwd=ROOT,
        env={**os.environ, "SETUP_PORT": str(free_port())},
        stdout=asyncio.subprocess.PIPE,
    )


async def wait_for(process: asyncio.subprocess.Process, word: bytes) -> bytes:
    """Return the next line that begins so."""
    assert process.stdout
    async with asyncio.timeout(PATIENCE):
        while not (line := await process.stdout.readline()).startswith(word):
            assert line
    return line


def responders(folder: Path) -> list[tuple[str, bool, str]]:
    """Return the responders of the database, if they are missing, and who they are."""
    path = folder / "rental_units_01placeholder.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute(
            "SELECT responders.id, removed_at IS NOT NULL, name"
            " FROM responders JOIN persons ON persons.id = person_id"
        ).fetchall()


def subentries(folder: Path) -> list[str]:
    """Return the ids of the subentries on disk."""
    text = (folder / ".storage" / "core.config_entries").read_text("utf-8")
    entries = json.loads(text)["data"]["entries"]
    (entry,) = (row for row in entries if row["domain"] == "rental_units")
    return [row["subentry_id"] for row in entry["subentries"]]


def leases(folder: Path) -> list[int]:
    """Return how many people each unit has in the database."""
    path = folder / "rental_units_01placeholder.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return [
            count
            for (count,) in database.execute(
                "SELECT count(leases.id) FROM units LEFT JOIN leases"
                # All of them: none may be set aside beside its repetition.
                " ON leases.unit_id = units.id GROUP BY units.id"
            )
        ]


@pytest.mark.parametrize("parts", [1, 4])
async def test_killed_in_an_import(
    socket_enabled: None, tmp_path: Path, parts: int
) -> None:
    """After so many parts; the next start has whole units, and the same file ends it.

    The responder of the first part, who had no subentry on the disk yet, is used again.
    """
    folder = tmp_path / "property"
    folder.mkdir()
    prepare(folder)
    process = await start(folder)
    try:
        for _ in range(parts):
            await wait_for(process, b"written")
        process.kill()
        await process.wait()
        found = await asyncio.to_thread(leases, folder)
        assert set(found) == {PEOPLE}
        assert len(found) < UNITS
        ((duty, _, name),) = await asyncio.to_thread(responders, folder)
        assert name == "MARK-F"

        process = await start(folder)
        units = int((await wait_for(process, b"units")).split()[1])
        assert units < UNITS
        await wait_for(process, b"imported")
        assert await asyncio.to_thread(leases, folder) == [PEOPLE] * UNITS
        process.terminate()
        await process.wait()
        there = await asyncio.to_thread(responders, folder)
        assert there == [(duty, False, "MARK-F")]
        assert await asyncio.to_thread(subentries, folder) == [duty]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
