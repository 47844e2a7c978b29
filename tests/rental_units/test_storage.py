"""Events with cursors, and compartments with keys."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from sqlalchemy.orm import Session

from custom_components.rental_units.storage import events, vault
from custom_components.rental_units.storage.errors import RegisterError
from custom_components.rental_units.storage.events import Happened, Kind
from custom_components.rental_units.storage.vault import (
    Compartment,
    CompartmentRow,
    Keys,
    Vault,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

SECRET = "MARK-SECRET"


async def test_events_are_heard_until_they_are_done(entry: MockConfigEntry) -> None:
    """Each listener has its own place; what was not done is heard again."""
    run = entry.runtime_data.async_run

    def kinds(session: Session, listener: str) -> list[tuple[int, str]]:
        return [(row.number, row.kind) for row in events.unheard(session, listener)]

    def begin(session: Session) -> None:
        events.record(session, [Happened(Kind.UNIT_CHANGED, unit_id="u1")])
        events.join(session, ["cards", "states"])
        events.record(
            session,
            [
                Happened(Kind.LEASE_STARTED, lease_id="l1"),
                Happened(Kind.LEASE_ENDED, lease_id="l1"),
            ],
        )

    await run(begin)
    first = await run(lambda session: kinds(session, "cards"))
    assert [kind for _, kind in first] == ["lease_started", "lease_ended"]
    assert await run(lambda session: kinds(session, "cards")) == first
    await run(lambda session: events.heard(session, "cards", first[0][0]))
    assert await run(lambda session: kinds(session, "cards")) == first[1:]
    assert await run(lambda session: kinds(session, "states")) == first
    assert await run(lambda session: kinds(session, "nobody")) == []

    def later(session: Session) -> list[tuple[int, str]]:
        events.heard(session, "cards", first[1][0])
        events.heard(session, "states", first[0][0])
        events.heard(session, "alerts", first[1][0])
        events.purge(session, 1e12)
        return kinds(session, "states")

    # What somebody has not heard stays, however old.
    assert await run(later) == first[1:]
    # A number is never used again, also when nothing is left.
    await run(lambda session: events.heard(session, "states", first[1][0]))
    await run(lambda session: events.purge(session, 1e12))
    await run(lambda session: events.record(session, [Happened(Kind.PERSON_LEFT)]))
    assert await run(events.newest) == first[1][0] + 1


async def test_a_transaction_that_fails_has_no_event(entry: MockConfigEntry) -> None:
    """An event is there exactly if what it tells of is."""
    run = entry.runtime_data.async_run
    before = await run(events.newest)

    def fail(session: Session) -> None:
        events.record(session, [Happened(Kind.PERSON_LEFT)])
        raise RegisterError("register_failed")

    with pytest.raises(RegisterError):
        await run(fail)
    assert await run(events.newest) == before


async def test_compartments(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """The highest are encrypted, with a key that is changed and can be lost."""
    run, keys = entry.runtime_data.async_run, Keys(hass, "test")
    await keys.async_load()
    box = Vault(keys)

    def put(session: Session) -> list[str]:
        return [
            box.put(session, compartment, "note", SECRET, person_id="p1")
            for compartment in (Compartment.SIGHTINGS, Compartment.SEALED)
        ]

    plain, sealed = await run(put)

    async def body(row_id: str) -> str:
        return await run(lambda session: session.get(CompartmentRow, row_id).body)

    assert await body(plain) == SECRET
    assert SECRET not in (first := await body(sealed))
    assert await run(lambda session: box.read(session, sealed)) == SECRET
    assert await run(lambda session: box.read(session, plain)) == SECRET
    assert await run(lambda session: box.read(session, "nothing")) is None

    # Rotation: a new key for all, after which the old one is gone.
    await keys.async_add()
    assert await run(box.rotate) == 0
    await keys.async_keep_only_current()
    assert await body(sealed) != first
    again = Keys(hass, "test")
    await again.async_load()
    assert await run(lambda session: Vault(again).read(session, sealed)) == SECRET

    # A body that was moved to another row, or changed, does not open.
    def swap(session: Session) -> None:
        other = box.put(session, Compartment.CARE, "note", "x", person_id="p1")
        row = session.get_one(CompartmentRow, other)
        row.body = session.get_one(CompartmentRow, sealed).body
        session.flush()
        box.read(session, other)

    with pytest.raises(RegisterError) as failure:
        await run(swap)
    assert failure.value.key == "sealed_row_damaged"

    # A lost key is said.
    await keys.async_remove()
    lost = Keys(hass, "test")
    await lost.async_load()
    assert await run(Vault(lost).lost) == 1
    assert await run(Vault(lost).rotate) == 1
    with pytest.raises(RegisterError) as failure:
        await run(lambda session: Vault(lost).read(session, sealed))
    assert failure.value.key == "key_lost"

    await run(lambda session: vault.purge(session, 0))
    assert await run(lambda session: box.read(session, plain)) == SECRET
    await run(lambda session: vault.forget_person(session, "p1"))
    assert await run(lambda session: box.read(session, plain)) is None


async def test_key_that_cannot_be_written(
    hass: HomeAssistant, hass_storage: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is encrypted with a key that is not on disk."""
    keys = Keys(hass, "test")
    await keys.async_load()
    before = keys.current

    async def nothing(*_: Any) -> None:
        pass

    monkeypatch.setattr(Store, "async_save", nothing)
    with pytest.raises(RegisterError) as failure:
        await keys.async_add()
    assert failure.value.key == "key_unwritable"
    assert keys.current == before
    keys.seal("text", "row")


async def test_key_that_is_there(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    """A key is made once."""
    keys = Keys(hass, "test")
    await keys.async_load()
    other = Keys(hass, "test")
    await other.async_load()
    assert other.open(*keys.seal("text", "row"), "row") == "text"
