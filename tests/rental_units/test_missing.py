"""A unit or responder that went missing is kept with its people."""

from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.register import queries
from custom_components.rental_units.register.models import Audit, Unit
from custom_components.rental_units.register.people import Contact
from custom_components.rental_units.repairs import async_create_fix_flow
from custom_components.rental_units.storage import events
from custom_components.rental_units.storage.errors import RegisterError
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.util import dt as dt_util

from .common import E164, add_unit, call, check_in, device_id, unit_id


def issue(hass: HomeAssistant, entry: MockConfigEntry) -> ir.IssueEntry | None:
    """Return the issue about what is missing."""
    return ir.async_get(hass).async_get_issue(DOMAIN, f"missing_{entry.entry_id}")


async def forget(hass: HomeAssistant, entry: MockConfigEntry, key: str) -> None:
    """Take a unit over from a release of before whose storage does not know it any more."""
    run = entry.runtime_data.async_run
    await run(
        lambda session: session.execute(
            update(Unit).where(Unit.id == key).values(is_mirror=True)
        )
    )
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()


async def repair(hass: HomeAssistant, entry: MockConfigEntry) -> Any:
    """Begin to repair what is missing."""
    flow = await async_create_fix_flow(hass, f"missing_{entry.entry_id}", None)
    flow.hass = hass
    flow.handler = DOMAIN
    return flow


async def test_brought_back(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """An older storage erases nobody: the unit comes back with its id and its people."""
    key = unit_id(entry, "1-1-101")
    device = device_id(hass, entry, "1-1-101")
    person = await check_in(hass, entry, "1-1-101")
    before = entry.runtime_data.units[key]
    await forget(hass, entry, key)
    found = issue(hass, entry)
    assert found
    assert found.translation_placeholders == {
        "property": "Property 1",
        "count": "1",
        "people": "1",
        "names": "1-1-101",
        "days": "30",
    }
    counts = await entry.runtime_data.async_run(queries.counts)
    assert (counts["persons"], counts["leases"]) == (1, 1)
    assert key not in entry.runtime_data.units
    assert dr.async_get(hass).async_get(device) is None

    flow = await repair(hass, entry)
    menu = await flow.async_step_init()
    assert menu["menu_options"] == ["restore", "erase"]
    result = await flow.async_step_restore()
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    assert entry.runtime_data.units[key] == before
    assert device_id(hass, entry, "1-1-101") == device
    assert issue(hass, entry) is None
    register = entry.runtime_data
    (tenant,) = await register.async_recipients([key], ["tenants"])
    assert tenant.person_id == person


async def test_told_to_who_listens(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """That a unit went and came back is an event, once each."""
    run = entry.runtime_data.async_run
    await run(lambda session: events.join(session, ["cards"]))
    key = unit_id(entry, "1-1-101")
    await forget(hass, entry, key)
    await hass.config_entries.async_reload(entry.entry_id)
    await (await repair(hass, entry)).async_step_restore()
    await hass.async_block_till_done()

    def kinds(session: Session) -> list[tuple[str, str | None]]:
        return [(row.kind, row.unit_id) for row in events.unheard(session, "cards")]

    assert await entry.runtime_data.async_run(kinds) == [
        ("unit_removed", key),
        ("unit_restored", key),
    ]


async def test_erased(
    hass: HomeAssistant, entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who confirms it erases them at once; a database that fails is said."""
    key = unit_id(entry, "1-1-101")
    await check_in(hass, entry, "1-1-101")
    export = {"config_entry_id": entry.entry_id, "file": "register.csv"}
    await call(hass, "export_register", export)
    await forget(hass, entry, key)
    assert issue(hass, entry)
    flow = await repair(hass, entry)
    form = await flow.async_step_erase()
    assert form["step_id"] == "erase"

    async def fail(_work: Any) -> None:
        raise RegisterError("register_full")

    with monkeypatch.context() as patched:
        patched.setattr(entry.runtime_data, "async_run", fail)
        assert (await flow.async_step_erase({}))["reason"] == "register_full"
    file = Path(hass.config.path(DOMAIN, "register.csv"))
    assert file.is_file()
    await flow.async_step_erase({})
    await hass.async_block_till_done()
    # Nor are they in a file that was written of the register.
    assert not file.exists()
    counts = await entry.runtime_data.async_run(queries.counts)
    assert (counts["units"], counts["persons"], counts["leases"]) == (2, 0, 0)
    assert issue(hass, entry) is None
    rows = await entry.runtime_data.async_run(
        lambda session: list(
            session.scalars(select(Audit.unit_id).where(Audit.what == "erase_missing"))
        )
    )
    assert rows == [key], "who has erased it can be looked up"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_over_after_thirty_days(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    """What nobody brings back in thirty days is purged."""
    await check_in(hass, entry, "1-1-101")
    await forget(hass, entry, unit_id(entry, "1-1-101"))
    for days, left in ((29, 1), (2, 0)):
        freezer.tick(days * 86_400)
        await entry.runtime_data._async_new_day(dt_util.utcnow())
        counts = await entry.runtime_data.async_run(queries.counts)
        assert counts["persons"] == left
    assert issue(hass, entry) is None


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_entered_anew_meanwhile(
    hass: HomeAssistant, entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A unit that somebody has entered anew is not there twice."""
    key = unit_id(entry, "1-1-101")
    await forget(hass, entry, key)
    await add_unit(hass, entry, building="1", stairwell="1", number="101")
    flow = await repair(hass, entry)
    result = await flow.async_step_restore()
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    assert key not in entry.runtime_data.units
    assert issue(hass, entry)

    async def fail(*_: Any) -> None:
        raise RegisterError("register_full")

    monkeypatch.setattr(entry.runtime_data, "async_run", fail)
    assert (await flow.async_step_restore())["reason"] == "register_full"


async def test_responder_is_brought_back(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A responder whose subentry is gone comes back with its id and its person."""
    duty = next(iter(entry.get_subentries_of_type("responder")))

    def write(session: Session) -> None:
        contact = Contact(name="MARK-1", phone=E164)
        person = queries.add_person(session, contact, "en")
        queries.put_responder(session, duty.subentry_id, person)

    await entry.runtime_data.async_run(write)
    assert await hass.config_entries.async_reload(entry.entry_id)
    hass.config_entries.async_remove_subentry(entry, duty.subentry_id)
    await hass.async_block_till_done()
    found = issue(hass, entry)
    assert found
    assert found.translation_placeholders
    assert found.translation_placeholders["names"] == duty.title
    await (await repair(hass, entry)).async_step_restore()
    await hass.async_block_till_done()
    assert entry.subentries[duty.subentry_id].as_dict() == duty.as_dict()
    assert issue(hass, entry) is None
