"""Units, people and calls of the tests. All people are marks, none is anybody."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, closing
import sqlite3
from types import MappingProxyType
from typing import Any, Literal
from unittest.mock import patch

from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from sqlalchemy import select

from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.units import AddUnit
from custom_components.rental_units.const import DOMAIN, SUBENTRY_RESPONDER
from custom_components.rental_units.register.models import Audit
from custom_components.rental_units.storage import engine as engine_module
from homeassistant.auth.const import GROUP_ID_USER
from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import Context, HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr
from homeassistant.util.hass_dict import HassKey

PHONE = "13800138001"
E164 = "+8613800138001"
OTHER_PHONE = "13800138002"
DATA_ADMINISTRATOR: HassKey[MockUser] = HassKey("tests_administrator")


def responder(duty: str, schedule: str) -> ConfigSubentry:
    """Return a responder's subentry."""
    return ConfigSubentry(
        data=MappingProxyType({"duty": duty, "schedule": schedule}),
        subentry_type=SUBENTRY_RESPONDER,
        title=duty,
        unique_id=f"key_{duty}",
    )


async def add_unit(hass: HomeAssistant, entry: MockConfigEntry, **fields: Any) -> str:
    """Add a unit to a property that runs; return its id."""
    application = application_of(hass, entry.entry_id)
    written = await application.async_fill(AddUnit(fields), None)
    await hass.async_block_till_done()
    return written.unit_id


async def add_units(
    hass: HomeAssistant, entry: MockConfigEntry, *rows: Mapping[str, Any]
) -> list[str]:
    """Add units to a property that runs, told of together, as an import's; return their ids."""
    application = application_of(hass, entry.entry_id)
    with patch.object(application, "async_tell"):
        found = [await add_unit(hass, entry, **row) for row in rows]
    await application.async_tell()
    await hass.async_block_till_done()
    return found


async def unit_step(hass: HomeAssistant, entry: MockConfigEntry, step: str) -> Any:
    """Begin a step of the options' part about units; return where it leads."""
    options = hass.config_entries.options
    result: Any = await options.async_init(entry.entry_id)
    for choice in ("units", step):
        if result["type"] is FlowResultType.MENU:
            result = await options.async_configure(
                result["flow_id"], {"next_step_id": choice}
            )
    return result


async def unit_form(
    hass: HomeAssistant, entry: MockConfigEntry, title: str | None = None
) -> Any:
    """Open the form of a unit in the options, or that of a new one."""
    result = await unit_step(hass, entry, "unit_change" if title else "unit_add")
    if title and result["type"] is FlowResultType.FORM:
        return await fill_unit(hass, result, {"unit": device_id(hass, entry, title)})
    return result


async def fill_unit(hass: HomeAssistant, result: Any, data: Mapping[str, Any]) -> Any:
    """Fill in a form of the options."""
    options = hass.config_entries.options
    result = await options.async_configure(result["flow_id"], dict(data))
    await hass.async_block_till_done()
    return result


def unit_id(entry: MockConfigEntry, title: str) -> str:
    """Return the id of a unit."""
    units = entry.runtime_data.units.values()
    return next(row.id for row in units if row.title == title)


def device_id(hass: HomeAssistant, entry: MockConfigEntry, title: str) -> str:
    """Return the device of a unit."""
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, unit_id(entry, title)), entry.entry_id
    )
    assert device
    return device.id


@asynccontextmanager
async def without_database(
    hass: HomeAssistant, entry: MockConfigEntry
) -> AsyncGenerator[None]:
    """Start a property anew while another program holds its SQLite file.

    People are told as they were last known: somebody must be. Afterwards it starts again.
    """
    path = entry.runtime_data.database.path
    await hass.config_entries.async_unload(entry.entry_id)
    with (
        closing(sqlite3.connect(path, autocommit=True)) as other,
        patch.object(engine_module, "BUSY_SECONDS", 0),
    ):
        other.execute("BEGIN EXCLUSIVE")
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        assert entry.runtime_data.blind
        yield
        other.execute("ROLLBACK")
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()


def administrator(hass: HomeAssistant) -> MockUser:
    """Return the administrator of this Home Assistant."""
    if DATA_ADMINISTRATOR not in hass.data:
        hass.data[DATA_ADMINISTRATOR] = MockUser(is_owner=True).add_to_hass(hass)
    return hass.data[DATA_ADMINISTRATOR]


async def account(
    hass: HomeAssistant, entry: MockConfigEntry, role: str, person_id: str | None = None
) -> MockUser:
    """Return a member of Home Assistant's group Users, with a role in a property or none.

    The group lets its members control every entity.
    """
    group = await hass.auth.async_get_group(GROUP_ID_USER)
    assert group
    user = MockUser(groups=[group]).add_to_hass(hass)
    if role != "user":
        data = {"config_entry_id": entry.entry_id, "user_id": user.id, "role": role}
        await call(
            hass, "grant_role", data | ({"person_id": person_id} if person_id else {})
        )
    return user


async def call(
    hass: HomeAssistant,
    action: str,
    data: dict[str, Any],
    *,
    user: User | Literal["administrator"] | None = "administrator",
    answers: bool = True,
) -> Any:
    """Call an action and return its response. Without a user, it is an automation's call."""
    caller = administrator(hass) if user == "administrator" else user
    return await hass.services.async_call(
        DOMAIN,
        action,
        # What is personal is taken out of what was passed.
        dict(data),
        blocking=True,
        return_response=answers,
        context=Context(user_id=caller.id if caller else None),
    )


async def check_in(
    hass: HomeAssistant, entry: MockConfigEntry, title: str, **data: Any
) -> str:
    """Check a person in; return their id."""
    data = {"name": "MARK-NAME-1", "phone": PHONE, **data}
    data = {key: value for key, value in data.items() if value is not None}
    device = device_id(hass, entry, title)
    answer = await call(hass, "check_in", {"device_id": device, **data})
    await hass.async_block_till_done()
    return answer["person_id"]


async def audited(entry: MockConfigEntry, what: str) -> list[Audit]:
    """Return the audit rows of a command."""
    query = select(Audit).where(Audit.what == what).order_by(Audit.at, Audit.id)
    return await entry.runtime_data.async_run(
        lambda session: list(session.scalars(query))
    )
