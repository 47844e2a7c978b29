"""A register that an earlier release wrote is taken over, whenever it is interrupted."""

import itertools
import os
from pathlib import Path
import signal
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, text

from custom_components.rental_units.app.schema import FEATURES
from custom_components.rental_units.storage.migrations import (
    Feature,
    Step,
    TooNewError,
    migrate,
)

from .before import create, dump, engine_of, fill, fill_alerts

#: Units of the register that is migrated; RENTAL_UNITS_MIGRATION_UNITS=2000 is a large one.
UNITS = [
    f"unit{number}"
    for number in range(int(os.environ.get("RENTAL_UNITS_MIGRATION_UNITS", "6")))
]
#: How many steps of each feature the last release of before has had.
DONE = {"register": 2, "alerts": 1}
MISSING = sum(len(row.steps) - DONE.get(row.name, 0) for row in FEATURES)


def killed_in(number: int) -> list[Feature]:
    """Return the features; the process is killed when it has done a missing step."""
    count = itertools.count(1)

    def deadly(step: Step) -> Step:
        def run(connection: Connection) -> None:
            step(connection)
            _ = next(count) == number and os.kill(os.getpid(), signal.SIGKILL)

        return run

    return [Feature(row.name, [deadly(step) for step in row.steps]) for row in FEATURES]


@pytest.fixture
def old(database: dict[str, Any], tmp_path: Path, request: Any) -> Any:
    """Return an engine on a register of the last release, with people and open alerts."""
    name = f"m{abs(hash(request.node.name))}"
    engine = engine_of(database, tmp_path / "old.db", name)
    with engine.begin() as connection:
        create(connection, 3)
        fill(connection, UNITS)
        fill_alerts(connection, UNITS)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("number", range(1, MISSING + 1))
def test_killed_at_each_step(old: Any, number: int) -> None:
    """Nothing is lost, and the next start does it all."""
    with old.begin() as connection:
        before = dump(connection)
    old.dispose()
    if (child := os.fork()) == 0:
        with old.begin() as connection:
            migrate(connection, killed_in(number))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL

    with old.begin() as connection:
        assert dump(connection) == before
        migrate(connection, FEATURES)
    with old.begin() as connection:
        assert dump(connection) == before


@pytest.mark.parametrize("version", [1, 2, 3])
def test_each_release_leads_to_the_same(
    database: dict[str, Any], tmp_path: Path, version: int
) -> None:
    """The tables are those of a new register, whichever release began it."""

    def tables(connection: Connection) -> dict[str, set[str]]:
        found = inspect(connection)
        return {
            name: {row["name"] for row in found.get_columns(name)}
            for name in found.get_table_names()
        }

    engine = engine_of(database, tmp_path / "new.db", f"new{version}")
    with engine.begin() as connection:
        migrate(connection, FEATURES)
        new = tables(connection)
    engine.dispose()
    engine = engine_of(database, tmp_path / "was.db", f"was{version}")
    with engine.begin() as connection:
        create(connection, version)
        migrate(connection, FEATURES)
        assert tables(connection) == new
        # Once more changes nothing.
        migrate(connection, FEATURES)
        # The release of before refuses what it does not know.
        assert connection.execute(
            text("SELECT version FROM register_version")
        ).scalar_one() > max((1, 2, 3))
    engine.dispose()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_newer_release_of_before(database: dict[str, Any], tmp_path: Path) -> None:
    """A number that no release had is refused, and nothing is changed."""
    engine = engine_of(database, tmp_path / "old.db", "x")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE register_version (version INTEGER)"))
        connection.execute(text("INSERT INTO register_version VALUES (4)"))
    with pytest.raises(TooNewError), engine.begin() as connection:
        migrate(connection, FEATURES)
    engine.dispose()
