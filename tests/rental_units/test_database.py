"""What a database does when it is locked, full, damaged, old, new or away."""

from contextlib import closing
import logging
from pathlib import Path
import sqlite3
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError, InvalidRequestError

from custom_components.rental_units.app.schema import FEATURES, database_of
from custom_components.rental_units.backup import async_post_backup, async_pre_backup
from custom_components.rental_units.const import CONF_URL, DOMAIN
from custom_components.rental_units.register import Audience, queries
from custom_components.rental_units.register.models import Person
from custom_components.rental_units.storage import engine as database_module
from custom_components.rental_units.storage.base import Base
from custom_components.rental_units.storage.errors import RegisterError, explain
from custom_components.rental_units.storage.migrations import (
    Feature,
    TooNewError,
    statements,
)
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util

from .common import call, check_in, responder

MIGRATIONS = "custom_components.rental_units.app.schema.FEATURES"
sqlite_only = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def path_of(entry: MockConfigEntry) -> Path:
    """Return the file of a property."""
    path = entry.runtime_data.database.path
    assert path
    return path


async def test_schema_is_that_of_the_models(entry: MockConfigEntry) -> None:
    """The steps lead to the tables, columns, keys and indexes of the models."""

    def compare(session: Any) -> None:
        found = inspect(session.connection())
        for name, table in Base.metadata.tables.items():
            columns = {row["name"]: row["nullable"] for row in found.get_columns(name)}
            assert set(columns) == {column.name for column in table.columns}
            for column in table.columns:
                assert column.primary_key or columns[column.name] == column.nullable
            assert {row["name"] for row in found.get_indexes(name)} == {
                index.name for index in table.indexes
            }
            assert {
                (*row["constrained_columns"], row["referred_table"])
                for row in found.get_foreign_keys(name)
            } == {
                (key.parent.name, key.column.table.name) for key in table.foreign_keys
            }

    await entry.runtime_data.async_run(compare)


async def test_older_and_newer(
    hass: HomeAssistant, entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older schema is brought up with its people; half a step is none; a newer is refused.

    People are told as they were last known meanwhile.
    """
    await check_in(hass, entry, "1-1-101")

    async def failure() -> str | None:
        assert entry.state is ConfigEntryState.LOADED
        await hass.async_block_till_done(wait_background_tasks=True)
        units = entry.runtime_data.units_of_area("area_101")
        (person,) = entry.runtime_data.phonebook.last_known(units, [Audience.TENANTS])
        assert person.name == "MARK-NAME-1"
        return (blind := entry.runtime_data.blind) and blind.key

    broken = statements(
        "ALTER TABLE persons ADD COLUMN nickname TEXT", "SELECT * FROM nowhere"
    )
    monkeypatch.setattr(MIGRATIONS, (*FEATURES, Feature("new", (broken,))))
    await hass.config_entries.async_reload(entry.entry_id)
    assert await failure() == "register_failed"

    working = statements("ALTER TABLE persons ADD COLUMN nickname TEXT")
    monkeypatch.setattr(MIGRATIONS, (*FEATURES, Feature("new", (working,))))
    await hass.config_entries.async_reload(entry.entry_id)
    assert await failure() is None
    names = await entry.runtime_data.async_run(
        lambda session: session.execute(
            text("SELECT name, nickname FROM persons")
        ).all()
    )
    assert names == [("MARK-NAME-1", None)]

    monkeypatch.setattr(MIGRATIONS, FEATURES)
    await hass.config_entries.async_reload(entry.entry_id)
    assert await failure() == "register_too_new"
    # Nobody is known: then it is no start at all.
    await entry.runtime_data.last_known.async_remove()
    await hass.config_entries.async_reload(entry.entry_id)
    assert entry.error_reason_translation_key == "register_too_new"


@sqlite_only
async def test_locked(
    hass: HomeAssistant, entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that another program holds is said so, and nothing is changed."""
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0)
    await hass.config_entries.async_reload(entry.entry_id)
    with closing(sqlite3.connect(path_of(entry), autocommit=True)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RegisterError) as failure:
            await check_in(hass, entry, "1-1-101")
        assert failure.value.key == "register_locked"
        await hass.config_entries.async_reload(entry.entry_id)
        assert entry.state == ConfigEntryState.SETUP_RETRY
        other.execute("ROLLBACK")
    await hass.config_entries.async_reload(entry.entry_id)
    assert (await entry.runtime_data.async_run(queries.counts))["persons"] == 0
    await check_in(hass, entry, "1-1-101")


@sqlite_only
async def test_away_is_logged_once(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A log shows from when to when a database was away, however often it was asked."""
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0)
    await hass.config_entries.async_reload(entry.entry_id)
    caplog.set_level(logging.INFO)
    register = entry.runtime_data
    with closing(sqlite3.connect(path_of(entry), autocommit=True)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            with pytest.raises(RegisterError):
                await register.async_run(queries.counts)
            # Who only reads is not in the way of who writes: that proves nothing.
            await register.async_read(queries.counts)
        assert caplog.text.count("is away: register_locked") == 1
        assert "is back" not in caplog.text
        other.execute("ROLLBACK")
    for _ in range(2):
        await register.async_run(queries.counts)
    assert caplog.text.count("is back") == 1


@sqlite_only
async def test_full(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A full disk is said so, nothing is half there, and it goes on with more space."""
    await check_in(hass, entry, "1-1-101")

    def limit(session: Any) -> None:
        session.execute(text("PRAGMA max_page_count=1"))

    def many(session: Any) -> None:
        session.add_all(Person(name="MARK" * 999, language="en") for _ in range(500))

    await entry.runtime_data.async_run(limit)
    with pytest.raises(RegisterError) as failure:
        await entry.runtime_data.async_run(many)
    assert failure.value.key == "register_full"
    assert "MARK" not in repr(failure.value)
    assert failure.value.__cause__ is None
    assert (await entry.runtime_data.async_run(queries.counts))["persons"] == 1
    await hass.config_entries.async_reload(entry.entry_id)
    await entry.runtime_data.async_run(many)
    assert (await entry.runtime_data.async_run(queries.counts))["persons"] == 501


@sqlite_only
@pytest.mark.parametrize("damage", ["all", "middle"])
async def test_damaged(
    hass: HomeAssistant, entry: MockConfigEntry, damage: str
) -> None:
    """A damaged file is moved aside, and a repair says so."""
    await check_in(hass, entry, "1-1-101")
    path = path_of(entry)
    await hass.config_entries.async_unload(entry.entry_id)
    content = bytearray(path.read_bytes())
    begin = 0 if damage == "all" else 4096
    content[begin:] = b"\xa5" * (len(content) - begin)
    path.write_bytes(content)

    assert await hass.config_entries.async_setup(entry.entry_id)

    moved = entry.runtime_data.database.moved
    assert moved
    assert moved.read_bytes() == content
    assert (await entry.runtime_data.async_run(queries.counts))["persons"] == 0
    issue = ir.async_get(hass).async_get_issue(
        DOMAIN, f"register_damaged_{entry.entry_id}"
    )
    assert issue
    assert issue.translation_placeholders == {
        "property": "Property 1",
        "file": moved.name,
    }


@sqlite_only
async def test_files_are_private_and_go_with_the_people(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Nobody else reads a database, and what lies beside it goes with an erasure."""
    path = path_of(entry)
    await hass.config_entries.async_unload(entry.entry_id)
    damaged = path.with_name(f"{path.name}.broken-20260101000000")
    damaged.write_bytes(b"MARK")
    damaged.chmod(0o644)
    assert await hass.config_entries.async_setup(entry.entry_id)
    for file in path.parent.glob(f"{path.name}*"):
        assert file.stat().st_mode & 0o777 == 0o600, file.name
    person = await check_in(hass, entry, "1-1-101")
    export = {"config_entry_id": entry.entry_id, "file": "register.csv"}
    for _ in range(2):
        await call(hass, "export_register", export)
    folder = Path(hass.config.path(DOMAIN))
    (folder / "own.csv").write_text("what somebody else has put there")
    answer = await call(hass, "erase_person", {"person_id": person})
    assert answer["files_removed"] == ["register.csv", damaged.name]
    assert not damaged.exists()
    assert [file.name for file in folder.iterdir()] == ["own.csv"]
    (folder / "own.csv").unlink()
    # With the property goes what was moved aside or exported.
    damaged.write_bytes(b"MARK")
    await call(hass, "export_register", export)
    await hass.config_entries.async_remove(entry.entry_id)
    assert not list(path.parent.glob(f"{path.name}*"))
    assert not list(folder.iterdir())


@sqlite_only
@pytest.mark.parametrize("disabled_by", [ConfigEntryDisabler.USER, None])
async def test_removal_of_a_property_that_was_disabled(
    hass: HomeAssistant,
    database: dict[str, Any],
    disabled_by: ConfigEntryDisabler | None,
) -> None:
    """Nothing of ours is set up, as after a start with no other property: it is erased.

    The same for one whose set-up did not come about, because of what we depend on.
    """
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Property 1",
        data=database,
        disabled_by=disabled_by,
    )
    entry.add_to_hass(hass)
    register = database_of(hass, entry)
    await register.async_open()
    await register.async_close()
    assert register.path
    assert register.path.exists()
    assert DOMAIN not in hass.config.components
    await hass.config_entries.async_remove(entry.entry_id)
    assert not register.path.exists()


@sqlite_only
async def test_unreachable_file(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A file that cannot be opened is tried again later."""
    path = path_of(entry)
    await hass.config_entries.async_unload(entry.entry_id)
    path.unlink()
    path.mkdir()
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state == ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "register_unreachable"


async def test_connection_lost(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A connection that died between two transactions is made anew."""
    await check_in(hass, entry, "1-1-101")
    database = entry.runtime_data.database
    await database._async_call(database._executor, database._dispose)
    assert (await entry.runtime_data.async_run(queries.counts))["persons"] == 1


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_connection_ended_by_the_server(
    hass: HomeAssistant, entry: MockConfigEntry, postgresql_url: str
) -> None:
    """A PostgreSQL that was restarted is connected to anew."""
    await check_in(hass, entry, "1-1-101")

    def end_all() -> None:
        engine = create_engine(database_module.postgresql_url(postgresql_url))
        with engine.connect() as connection:
            connection.execute(
                text(
                    # Wait until they have ended, at most for a minute.
                    "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
                )
            )
        engine.dispose()

    await hass.async_add_executor_job(end_all)
    assert (await entry.runtime_data.async_run(queries.counts))["persons"] == 1


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_statement_that_waits_too_long(entry: MockConfigEntry) -> None:
    """A table that another program holds is said so."""

    def hold(session: Any) -> None:
        session.execute(text("SET LOCAL statement_timeout = '10ms'"))
        session.execute(text("SELECT pg_sleep(60)"))

    with pytest.raises(RegisterError) as failure:
        await entry.runtime_data.async_run(hold)
    assert failure.value.key == "register_locked"


async def test_server_away(hass: HomeAssistant, socket_enabled: None) -> None:
    """A PostgreSQL that is not there is tried again later; removal says what is left."""
    url = "postgresql://tests@127.0.0.1:1/postgres"
    entry = MockConfigEntry(domain=DOMAIN, title="Property 1", data={CONF_URL: url})
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "register_unreachable"
    await hass.config_entries.async_remove(entry.entry_id)


@sqlite_only
async def test_failures_in_the_background(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A new day, a new unit and a removal are logged where they could not be written."""
    await entry.runtime_data.database.async_close()
    await entry.runtime_data._async_new_day(dt_util.utcnow())
    assert "could not begin a new day" in caplog.text
    hass.config_entries.async_add_subentry(entry, responder("volunteer", ""))
    await hass.async_block_till_done()
    assert "could not be matched" in caplog.text
    path = path_of(entry)
    await hass.config_entries.async_unload(entry.entry_id)
    path.unlink()
    path.mkdir()
    await hass.config_entries.async_remove(entry.entry_id)
    assert "could not be erased" in caplog.text


@sqlite_only
async def test_backup(
    hass: HomeAssistant, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """The one file is whole in a backup; a failure does not end the backup."""
    await check_in(hass, entry, "1-1-101")
    path = path_of(entry)
    await async_pre_backup(hass)
    copy = path.with_name("backup.db")
    copy.write_bytes(path.read_bytes())
    await async_post_backup(hass)
    with closing(sqlite3.connect(copy)) as backup:
        assert backup.execute("SELECT name FROM persons").fetchall() == [
            ("MARK-NAME-1",)
        ]
    await entry.runtime_data.database.async_close()
    await async_pre_backup(hass)
    assert "could not be prepared for the backup" in caplog.text


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (OSError(), "register_unreachable"),
        (TooNewError(), "register_too_new"),
        (InvalidRequestError(), "register_failed"),
        (DBAPIError("", {}, Exception()), "register_unreachable"),
        (DBAPIError("", {}, Exception({"C": "53100"})), "register_full"),
        (DBAPIError("", {}, Exception({"C": "53300"})), "register_unreachable"),
        (DBAPIError("", {}, Exception({"C": "55P03"})), "register_locked"),
        (DBAPIError("", {}, Exception({"C": "28P01"})), "register_refused"),
        (DBAPIError("", {}, Exception({"C": "23505"})), "register_failed"),
        (DBAPIError("", {}, Exception({"C": "XX001"})), "register_damaged"),
    ],
)
def test_words(error: Any, key: str) -> None:
    """Each failure has words of its own."""
    assert explain(error).key == key
