"""Units of before lived in subentries of the config entry; they are taken over from there.

Three steps, each of which can be done again after it was interrupted: the rows are written,
devices and entities are let go of their subentry, and the subentry is removed.
"""

import asyncio
from collections.abc import Mapping
from itertools import batched
from typing import Any, Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er

from ..const import SUBENTRY_DESK, SUBENTRY_UNIT, Reason
from ..storage import events
from ..storage.events import Happened, Kind
from . import queries
from .models import Unit
from .units import UNIT_FIELDS, put_fields, unit_key

#: The entry's version without units.
MINOR_VERSION: Final = 2
#: Devices and entities that are changed in one turn of the event loop.
_BATCH: Final = 50


def subentries_of(entry: ConfigEntry) -> dict[str, Mapping[str, Any]]:
    """Return the units that the config entry still has, by their ids."""
    return {
        row.subentry_id: row.data for row in entry.get_subentries_of_type(SUBENTRY_UNIT)
    }


def take_over(
    session: Session, units: Mapping[str, Mapping[str, Any]], now: float
) -> set[str]:
    """Write down the units of the subentries; return those that are removed.

    A row that has followed its subentry until now follows it a last time: that is newer.
    One that lives in the database already is right as it is, and the subentry is what an
    older `.storage` has brought back. What no subentry names any more is set aside with
    its people.
    """
    happened: list[Happened] = []
    _end_forms(session, units)
    rows = {row.id: row for row in session.scalars(select(Unit))}
    mirrors = {key: row for key, row in rows.items() if row.is_mirror}
    taken = {
        row.unit_key
        for row in rows.values()
        if not row.is_mirror and row.removed_at is None
    }
    for key, row in mirrors.items():
        row.is_mirror = False
        if key in units:
            # Two units may have changed places: first nobody has a key.
            row.unit_key = None
            continue
        if row.unit_key is None:
            # Where it was nobody has written down; a person can, once it is back.
            put_fields(row, {"building": "?", "number": key[-6:]})
        if row.removed_at is None:
            row.removed_at = now
            happened.append(Happened(Kind.UNIT_REMOVED, key))
    session.flush()
    for key, data in units.items():
        unit = mirrors.get(key)
        if unit is None:
            if key in rows:
                continue
            unit = Unit(id=key, version=1, address="")
            session.add(unit)
            happened.append(Happened(Kind.UNIT_ADDED, key))
        elif unit.removed_at is not None:
            unit.removed_at = None
            happened.append(Happened(Kind.UNIT_RESTORED, key))
        elif not _is_as(unit, data):
            happened.append(Happened(Kind.UNIT_CHANGED, key))
        put_fields(unit, data)
        if unit.unit_key in taken:
            # Somebody has entered it anew in the database.
            unit.removed_at = now
            happened.append(Happened(Kind.UNIT_REMOVED, key))
    for event in happened:
        if event.kind in (Kind.UNIT_ADDED, Kind.UNIT_CHANGED):
            continue  # Nobody has done it now.
        queries.audit(
            session, None, event.kind, Reason.MANAGEMENT, unit_id=event.unit_id
        )
    session.flush()
    events.record(session, happened)
    return {key for key, row in rows.items() if row.removed_at is not None}


def _is_as(unit: Unit, data: Mapping[str, Any]) -> bool:
    return all(
        (getattr(unit, key) or None) == (data.get(key) or None) for key in UNIT_FIELDS
    )


def _end_forms(session: Session, units: Mapping[str, Mapping[str, Any]]) -> None:
    """Give what a form has entered to its subentry; drop what never got one."""
    known = set(session.scalars(select(Unit.id)))
    for key, data in units.items():
        pending = f"{queries.PENDING}{unit_key(data)}"
        if pending in known and key not in known:
            session.execute(update(Unit).where(Unit.id == pending).values(id=key))
    session.execute(
        delete(Unit).where(Unit.id.startswith(queries.PENDING, autoescape=True))
    )


async def async_let_go(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Link devices and entities to the config entry itself, with all that they have.

    Entities first: those that are left with the subentry would be removed with the device's
    change. Also those whose subentry is gone: the registries are written later than the
    config entries, and a power cut may have come between. Those of desks stay with them.
    """
    desks = {row.subentry_id for row in entry.get_subentries_of_type(SUBENTRY_DESK)}
    entities, devices = er.async_get(hass), dr.async_get(hass)
    of_subentries = [
        row.entity_id
        for row in er.async_entries_for_config_entry(entities, entry.entry_id)
        if row.config_subentry_id and row.config_subentry_id not in desks
    ]
    for names in batched(of_subentries, _BATCH, strict=False):
        for entity_id in names:
            if entity_id in entities.entities:
                entities.async_update_entity(entity_id, config_subentry_id=None)
        await asyncio.sleep(0)
    linked = [
        row.id
        for row in dr.async_entries_for_config_entry(devices, entry.entry_id)
        if row.config_subentry_id and row.config_subentry_id not in desks
    ]
    for ids in batched(linked, _BATCH, strict=False):
        for device_id in ids:
            if devices.async_get(device_id):
                devices.async_update_device(device_id, new_config_subentry_id=None)
        await asyncio.sleep(0)


async def async_remove_subentries(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Remove the units' subentries, and say in the entry's version that there are none."""
    manager = hass.config_entries
    for subentry_id in subentries_of(entry):
        if subentry_id in entry.subentries:
            manager.async_remove_subentry(entry, subentry_id)
        await asyncio.sleep(0)
    if entry.minor_version < MINOR_VERSION:
        manager.async_update_entry(entry, minor_version=MINOR_VERSION)
