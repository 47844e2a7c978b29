"""Units of before, and storages that know other units than the database."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.register import queries, takeover
from custom_components.rental_units.register.models import Unit
from custom_components.rental_units.storage import events
from custom_components.rental_units.storage.errors import RegisterError
from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)

from .before import unit
from .common import add_unit, call, check_in, device_id, unit_id


async def with_subentries(
    hass: HomeAssistant, entry: MockConfigEntry, *rows: ConfigSubentry
) -> None:
    """Start with a storage that has these units yet."""
    await hass.config_entries.async_unload(entry.entry_id)
    for row in rows:
        hass.config_entries.async_add_subentry(entry, row)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert not entry.get_subentries_of_type("unit")


def with_id(row: ConfigSubentry, key: str) -> ConfigSubentry:
    """Return a subentry with the id of a unit."""
    values = row.as_dict() | {"subentry_id": key}
    return ConfigSubentry(**{**values, "data": row.data})


async def test_taken_over(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """The fixture's property was one of before; it has what it had, and no more."""
    assert entry.minor_version == takeover.MINOR_VERSION
    assert {row.subentry_type for row in entry.subentries.values()} == {"responder"}
    assert entry.runtime_data.units[unit_id(entry, "1-1-101")].data == {
        "building": "1",
        "stairwell": "1",
        "number": "101",
        "area_id": "area_101",
    }
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    assert {row.config_subentry_id for row in devices} == {None}
    assert {row.config_subentry_id for row in entities} == {None}


async def test_the_database_is_right(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """An older storage brings back subentries: what the database has is newer."""
    known = unit_id(entry, "1-1-101")
    person = await check_in(hass, entry, "1-1-101")
    device = device_id(hass, entry, "1-1-101")
    moved = {"device_id": device, "number": "109", "rooms": 3}
    await call(hass, "update_unit", moved)
    removed = unit_id(entry, "1-1-102")
    await call(hass, "remove_unit", {"device_id": device_id(hass, entry, "1-1-102")})
    unknown = unit("8", "", "1")
    await with_subentries(
        hass,
        entry,
        with_id(unit("1", "1", "101", rooms=9), known),
        with_id(unit("1", "1", "102"), removed),
        unknown,
        # Somebody has entered this one anew in the database.
        unit("1", "2", "101"),
    )
    register = entry.runtime_data
    titles = {row.title: key for key, row in register.units.items()}
    assert titles.keys() == {"1-1-109", "1-2-101", "8-1"}
    assert (titles["1-1-109"], titles["8-1"]) == (known, unknown.subentry_id)
    assert register.units[known].rooms == 3
    assert device_id(hass, entry, "1-1-109") == device
    (tenant,) = await register.async_recipients([known], ["tenants"])
    assert tenant.person_id == person
    assert [row.title for row in register.missing] == ["1-2-101"]
    assert ir.async_get(hass).async_get_issue(DOMAIN, f"missing_{entry.entry_id}")


async def mirror(entry: MockConfigEntry, **values: Any) -> None:
    """Let the units be those of a release of before again."""
    await entry.runtime_data.async_run(
        lambda session: session.execute(update(Unit).values(is_mirror=True, **values))
    )


async def test_the_subentries_are_newer(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """What follows subentries follows them a last time, also where two changed places."""
    first, second, gone = (
        unit_id(entry, title) for title in ("1-1-101", "1-1-102", "1-2-101")
    )
    await check_in(hass, entry, "1-1-101")
    await mirror(entry)
    run = entry.runtime_data.async_run
    await run(lambda session: events.join(session, ["cards"]))
    await with_subentries(
        hass,
        entry,
        with_id(unit("1", "1", "102", letting="shared"), first),
        with_id(unit("1", "1", "101"), second),
    )
    units = entry.runtime_data.units
    assert {key: row.title for key, row in units.items()} == {
        first: "1-1-102",
        second: "1-1-101",
    }
    assert units[first].letting == "shared"
    assert dr.async_get(hass).async_get(device_id(hass, entry, "1-1-102")).name == (
        "1-1-102"
    )

    def kinds(session: Session) -> set[tuple[str, str | None]]:
        return {(row.kind, row.unit_id) for row in events.unheard(session, "cards")}

    assert await entry.runtime_data.async_run(kinds) == {
        ("unit_changed", first),
        ("unit_changed", second),
        ("unit_removed", gone),
    }


async def test_a_form_that_was_entered_just_before(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Its people go to its subentry; those of a form that never ended go."""

    def write(session: Session) -> None:
        for key in ("new:never", "new:1/3/301"):
            session.add(Unit(id=key, address=key, is_mirror=True))

    await entry.runtime_data.async_run(write)
    await with_subentries(hass, entry, unit("1", "3", "301"))
    rows = await entry.runtime_data.async_run(
        lambda session: dict(session.execute(select(Unit.id, Unit.address)).all())
    )
    assert rows[unit_id(entry, "1-3-301")] == "new:1/3/301"
    assert [key for key in rows if key.startswith("new:")] == []


async def test_a_unit_whose_place_nobody_knows(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A row that no release has mirrored is set aside with a name that says so."""
    await mirror(entry, unit_key=None, building="", number="", stairwell="")
    await with_subentries(hass, entry)
    assert entry.runtime_data.units == {}
    assert {row.title[:2] for row in entry.runtime_data.missing} == {"?-"}
    assert len({row.title for row in entry.runtime_data.missing}) == 3


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_away_before_it_was_taken_over(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """While the database is away at the first start, the subentries say what there is."""
    await check_in(hass, entry, "1-1-101")
    await hass.config_entries.async_unload(entry.entry_id)
    new = unit("9", "", "1", area_id="area_9")
    hass.config_entries.async_add_subentry(entry, new)
    with patch(
        "custom_components.rental_units.storage.engine.Database.async_open",
        side_effect=RegisterError("register_locked"),
    ):
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        register = entry.runtime_data
        assert {row.title for row in register.units.values()} == {
            *("1-1-101", "1-1-102", "1-2-101"),
            "9-1",
        }
        assert register.units_of_area("area_9") == [new.subentry_id]
        assert hass.states.get("binary_sensor.9_1_registration")
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    assert new.subentry_id in entry.runtime_data.units
    assert entry.runtime_data.blind is None
    assert not entry.get_subentries_of_type("unit")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_damaged(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A register that begins anew begins with the units that were known, not with none."""
    new = await add_unit(hass, entry, building="9", number="1", rooms=2)
    await check_in(hass, entry, "9-1")
    device = device_id(hass, entry, "9-1")
    path = Path(entry.runtime_data.database.path)
    before = entry.runtime_data.units
    await hass.config_entries.async_unload(entry.entry_id)
    path.write_bytes(b"no database" * 1000)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    register = entry.runtime_data
    assert register.database.moved
    assert register.units == before
    assert register.units[new].rooms == 2
    assert device_id(hass, entry, "9-1") == device
    assert (await register.async_run(queries.counts))["persons"] == 0
