"""A database that fails: people are told all the same, nobody twice, and all is written later."""

from collections.abc import Generator
from contextlib import closing
import logging
from pathlib import Path
import sqlite3
from typing import Any

import pytest
import pytest_socket
from sqlalchemy import create_engine, select, text

from custom_components.rental_units.alerts import ledger as ledger_module
from custom_components.rental_units.alerts.const import Answer
from custom_components.rental_units.alerts.models import Alert
from custom_components.rental_units.const import CONF_URL, DOMAIN
from custom_components.rental_units.register.models import ContactAddress, Lease, Person
from custom_components.rental_units.register.phonebook import Phonebook
from custom_components.rental_units.storage import engine as database_module
from homeassistant.helpers import issue_registry as ir
from tests.rental_units.postgresql import Server, server

from .conftest import NUMBERS, House
from .providers import Provider

only_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
only_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
POLICY = {
    "steps": [
        {"after": 0, "channels": ["sms"]},
        {"after": 30, "audience": ["tenants"], "channels": ["call"]},
    ],
    "valid_for": 3600,
}


def file_of(house: House) -> Path:
    """Return the register's file."""
    path = house.entry.runtime_data.database.path
    assert path
    return Path(path)


def is_shown(house: House) -> bool:
    """Return if a repair says that alerts cannot be written."""
    issue_id = f"register_unwritable_{house.entry.entry_id}"
    return ir.async_get(house.hass).async_get_issue(DOMAIN, issue_id) is not None


def errors(caplog: pytest.LogCaptureFixture, begin: str) -> int:
    """Return how many lines of an error there are."""
    return sum(
        record.levelno == logging.ERROR and record.getMessage().startswith(begin)
        for record in caplog.records
    )


def told(provider: Provider) -> list[str]:
    """Return who was told, once for each time."""
    return sorted(item["form"]["To"] for item in provider.heard)


async def is_whole(house: House, sms: Provider) -> None:
    """Check that all is on disk as it was, and that nobody was told twice."""
    await house.tick(6)
    await house.settled()
    assert house.engine.ledger.trouble is None
    assert house.engine.ledger.waiting == 0
    assert not is_shown(house)
    rows = await house.stored()
    sent = {key for key, row in rows.items() if row.state == "sent"}
    assert sent >= {f"{key}-sms" for key in NUMBERS}
    assert all(row.attempts == 1 for row in rows.values())
    assert told(sms) == sorted(NUMBERS.values())


async def quick(house: House, monkeypatch: pytest.MonkeyPatch, busy: float) -> None:
    """Let a lock be waited for only so long."""
    monkeypatch.setattr(database_module, "BUSY_SECONDS", busy)
    await house.restart()


@only_sqlite
async def test_locked(
    house: House,
    sms: Provider,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Another program holds the file."""
    await quick(house, monkeypatch, 0)
    with closing(sqlite3.connect(file_of(house), autocommit=True)) as other:
        other.execute("BEGIN EXCLUSIVE")
        await house.alert(hazard="smoke")
        await house.until(lambda: len(sms.heard) == 5)
        await house.until(lambda: is_shown(house))
        # The next tries fail as well, and say nothing.
        await house.tick(6)
        await house.tick(6)
        assert errors(caplog, "Alerts cannot be written") == 1
        other.execute("ROLLBACK")
    await is_whole(house, sms)
    assert "raised" in await house.timeline()


@only_postgresql
async def test_locked_tables(
    house: House,
    sms: Provider,
    postgresql_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Another program holds the tables: not even the people can be read."""
    await quick(house, monkeypatch, 0.05)
    await house.entry.runtime_data.phonebook.async_learn()
    schema = f"{DOMAIN}_{house.entry.entry_id.lower()}"
    other = create_engine(database_module.postgresql_url(postgresql_url))
    with other.connect() as connection:
        for table in ("alerts", "deliveries", "persons"):
            connection.execute(text(f'LOCK TABLE "{schema}".{table}'))
        await house.alert(hazard="smoke")
        await house.until(lambda: len(sms.heard) == 5)
        await house.until(lambda: is_shown(house))
        await house.tick(6)
        assert errors(caplog, "Alerts cannot be written") == 1
        assert errors(caplog, "Recipients cannot be read") == 1
        connection.rollback()
    other.dispose()
    await is_whole(house, sms)


@only_postgresql
async def test_help_while_locked(
    house: House, sms: Provider, call: Provider, postgresql_url: str
) -> None:
    """A call for help while a step waits for the register is kept, and hides nothing."""
    house.options(policies={"alarm": {**POLICY, "valid_for": 3600}})
    await house.hass.async_block_till_done(wait_background_tasks=True)
    alert = house.engine.alerts[await house.alert(hazard="smoke")]
    await house.until(lambda: len(sms.heard) == 5)
    schema = f"{DOMAIN}_{house.entry.entry_id.lower()}"
    other = create_engine(database_module.postgresql_url(postgresql_url))
    with other.connect() as connection:
        connection.execute(text(f'LOCK TABLE "{schema}".persons'))
        await house.tick(30)
        assert not call.heard
        row = next(
            row for row in house.engine.dispatcher.of(alert) if row.role == "tenant"
        )
        house.engine.answer(alert, Answer.NEED_HELP, row, via="app")
        connection.rollback()
    other.dispose()
    await house.until(lambda: len(call.heard) == 2)
    # Responders hear of it at its next round.
    await house.tick(61)
    await house.until(lambda: len(sms.heard) > 5)
    await house.settled()
    assert row.answer == Answer.NEED_HELP
    assert "answer" in await house.timeline()


@only_sqlite
async def test_slow(house: House, sms: Provider) -> None:
    """A database that does not answer is waited for once, and not by every delivery."""
    with closing(sqlite3.connect(file_of(house), autocommit=True)) as other:
        other.execute("BEGIN EXCLUSIVE")
        task = house.hass.async_create_task(house.alert(hazard="smoke"))
        await house.until(lambda: house.engine.ledger.waiting > 0 or bool(house.events))
        house.freezer.tick(ledger_module.PATIENCE_SECONDS + 0.1)
        await house.until(lambda: len(sms.heard) == 5)
        assert task.done()
        other.execute("ROLLBACK")
    await is_whole(house, sms)


@only_sqlite
async def test_damaged_while_running(
    house: House, sms: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    """The file is overwritten: who was last known is told; the next start begins anew."""
    path = file_of(house)
    # The index of the log too: as long as that is sound, SQLite reads what it has cached.
    for suffix in ("", "-wal", "-shm"):
        file = path.with_name(path.name + suffix)
        size = file.stat().st_size
        await house.hass.async_add_executor_job(file.write_bytes, b"\xa5" * size)
    await house.alert(hazard="smoke")
    await house.until(lambda: len(sms.heard) == 5)
    await house.until(lambda: is_shown(house))
    await house.tick(6)
    await house.tick(6)
    assert told(sms) == sorted(NUMBERS.values())
    assert errors(caplog, "Alerts cannot be written") == 1
    await house.restart()
    assert house.entry.runtime_data.database.moved
    assert "rows of alerts could not be written" in caplog.text
    assert not is_shown(house)
    await house.alert(hazard="smoke")
    await house.settled()
    assert "raised" in await house.timeline()


@pytest.fixture
def own_server() -> Generator[Server]:
    """Run a PostgreSQL that the test may stop."""
    pytest_socket.enable_socket()
    try:
        with server() as running:
            yield running
    except RuntimeError as err:
        pytest.skip(str(err))


class TestServerGone:
    """A PostgreSQL that goes away for a minute."""

    @pytest.fixture
    def database(self, own_server: Server, socket_enabled: None) -> dict[str, Any]:
        """Return the data of a config entry."""
        return {CONF_URL: own_server.url}

    async def test_gone_for_a_minute(
        self,
        house: House,
        sms: Provider,
        call: Provider,
        own_server: Server,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Alerts begin, escalate and are answered meanwhile, and are on disk afterwards."""
        sms_options = {**house.entry.options["channels"]["sms"], "receipt_seconds": 600}
        channels = {**house.entry.options["channels"], "sms": sms_options}
        house.options(policies={"alarm": POLICY}, channels=channels)
        await house.hass.async_block_till_done(wait_background_tasks=True)
        await house.hass.async_add_executor_job(own_server.stop)
        alert_id = await house.alert(hazard="smoke")
        await house.until(lambda: len(sms.heard) == 5)
        await house.until(lambda: is_shown(house))
        await house.settled()
        assert call.heard == []
        for _ in range(6):
            await house.tick(10)
            await house.settled()
        assert told(call) == [NUMBERS["tenant-a"], NUMBERS["tenant-b"]]
        assert errors(caplog, "Alerts cannot be written") == 1
        assert errors(caplog, "Recipients cannot be read") == 1

        await house.hass.async_add_executor_job(own_server.start)
        await is_whole(house, sms)
        (alert,) = await house.get(alert_id=[alert_id])
        assert alert["deliveries"] == {"sms": {"sent": 5}, "call": {"sent": 2}}
        assert [line["type"] for line in alert["timeline"]] == [
            "raised",
            "step",
            "step",
        ]
        assert len(call.heard) == 2


async def test_who_has_moved_in_since(house: House, sms: Provider) -> None:
    """Those last known are told at once; who is new is told when the register answers."""

    def move_in(session: Any) -> None:
        person = Person(id="new", name="Placeholder new", language="en")
        person.addresses.append(
            ContactAddress(id="new-sms", channel="sms", target="+12025550106")
        )
        session.add(person)
        session.flush()
        session.add(Lease(unit_id=house.units["201"], person_id="new", role="tenant"))

    def rename(before: str, after: str) -> Any:
        return lambda session: session.execute(
            text(f"ALTER TABLE {before} RENAME TO {after}")
        )

    # What the changed options have led to is read before.
    await house.hass.async_block_till_done(wait_background_tasks=True)
    run = house.entry.runtime_data.async_run
    # Everybody is read once in the background, when the entry is set up.
    await house.hass.async_block_till_done(wait_background_tasks=True)
    await run(move_in)
    await run(rename("persons", "elsewhere"))
    await house.alert(hazard="smoke")
    await house.until(lambda: len(sms.heard) == 5)
    await run(rename("elsewhere", "persons"))
    # The clock runs away from a question that is being answered: it is asked again.
    for _ in range(3):
        await house.tick(3)
        await house.settled()
    assert told(sms) == [*sorted(NUMBERS.values()), "+12025550106"]


async def test_register_stays_away(house: House, sms: Provider) -> None:
    """A register that cannot be read for long does not stop the escalation."""
    house.options(
        policies={"alarm": {"steps": [{"after": 0, "repeat": 3, "every": 20}]}}
    )
    await house.entry.runtime_data.async_run(
        lambda session: session.execute(text("ALTER TABLE persons RENAME TO elsewhere"))
    )
    await house.alert(hazard="smoke")
    for _ in range(12):
        await house.settled()
        await house.tick(3)
    await house.settled()
    assert len(sms.heard) == 10


async def test_nobody_known(house: House, sms: Provider) -> None:
    """Of whom nothing was ever read is told as soon as the register can be read."""
    run = house.entry.runtime_data.async_run
    await run(
        lambda session: session.execute(text("ALTER TABLE persons RENAME TO elsewhere"))
    )
    await house.hass.async_block_till_done(wait_background_tasks=True)
    register = house.entry.runtime_data
    register.phonebook = Phonebook(register, register.last_known)
    alert_id = await house.alert(hazard="smoke")
    for _ in range(12):
        await house.settled()
        await house.tick(3)
    await house.settled()
    assert sms.heard == []
    assert house.engine.alerts[alert_id].step == 0
    await run(
        lambda session: session.execute(text("ALTER TABLE elsewhere RENAME TO persons"))
    )
    for _ in range(3):
        await house.tick(3)
        await house.settled()
    assert len(sms.heard) == 5


async def test_a_text_that_no_database_takes(house: House, sms: Provider) -> None:
    """PostgreSQL takes no NUL: it is left out, and all that is said is kept."""
    texts = {"a\0b": "ab", "a\\u0000b": "a\\u0000b", "a\\\0b": "a\\b"}
    for message in texts:
        await house.alert(message=message, severity="message")
    await house.settled()
    assert house.engine.ledger.trouble is None
    stored = await house.entry.runtime_data.async_run(
        lambda session: set(session.scalars(select(Alert.message)))
    )
    # Their ids are of one millisecond, and in no order.
    assert stored == set(texts.values())


async def test_a_row_that_no_database_takes(
    house: House, sms: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    """It is left out, and said to be; whatever waits with it is written, also at a start."""
    ledger = house.engine.ledger
    bad = house.engine.timeline.line(Alert(id="gone"), "raised")
    good = await house.alert(hazard="smoke")
    ledger.put(bad)
    await house.settled()
    assert ledger.trouble is None
    assert f"left out: {bad.id}" in caplog.text
    assert (await house.timeline())[0] == "raised"
    await house.restart()
    assert house.engine.alerts.keys() == {good}
