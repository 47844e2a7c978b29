"""Every way through the forms."""

from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from sqlalchemy.orm import Session
import voluptuous as vol

from custom_components.rental_units.const import CONF_URL, DOMAIN
from custom_components.rental_units.register import queries
from custom_components.rental_units.register.models import Audit, Person
from custom_components.rental_units.storage.errors import RegisterError
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntryState,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component

from .common import (
    OTHER_PHONE,
    PHONE,
    add_unit,
    call,
    check_in,
    device_id,
    fill_unit,
    unit_form,
    unit_id,
    unit_step,
)

LANDLORD = {"name": "MARK-LANDLORD", "phone": OTHER_PHONE}
TENANT = {"name": "MARK-NAME-1", "phone": PHONE, "start": "2026-01-01"}
#: The whole day, or none of it: nobody can tell.
NEVER_OR_ALWAYS = {"quiet_from": "22:00:00", "quiet_until": "22:00:00"}
UNIT = {
    "building": "3",
    "stairwell": "1",
    "number": "301",
    "address": "MARK-ADDRESS-1",
    "rooms": 2.0,
    "letting": "shared",
    "landlord": LANDLORD,
    "tenants": [TENANT],
}


async def start(hass: HomeAssistant) -> Any:
    """Begin to add a property."""
    return await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )


async def answer(hass: HomeAssistant, result: Any, **data: Any) -> Any:
    """Fill in a form of the config flow."""
    return await hass.config_entries.flow.async_configure(result["flow_id"], data)


async def test_sqlite(hass: HomeAssistant) -> None:
    """A property with a file of its own needs a name, and one that is new."""
    result = await start(hass)
    result = await answer(hass, result, name="  ", database="sqlite")
    assert result["errors"] == {"name": "name_missing"}
    result = await answer(hass, result, name="Property 1", database="sqlite")
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert (result["title"], result["data"]) == ("Property 1", {})
    assert result["result"].state is ConfigEntryState.LOADED

    result = await answer(hass, await start(hass), name="property 1", database="sqlite")
    assert result["reason"] == "already_configured"


async def test_form_that_was_left_behind(hass: HomeAssistant) -> None:
    """Whose browser has closed on a form begins anew."""
    for _ in range(2):
        form = await start(hass)
        form = await answer(hass, form, name="Property 1", database="postgresql")
        assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "postgresql")
    result = await start(hass)
    result = await answer(hass, result, name="Property 1", database="sqlite")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    assert hass.config_entries.flow.async_progress() == []


async def test_postgresql(
    hass: HomeAssistant, socket_enabled: None, postgresql_url: str
) -> None:
    """A PostgreSQL is tried before it is taken."""
    result = await start(hass)
    result = await answer(hass, result, name="Property 1", database="postgresql")
    for url, error in {
        "nothing": "invalid_url",
        "sqlite:///file.db": "invalid_url",
        "postgresql://tests@127.0.0.1:1/postgres": "register_unreachable",
        postgresql_url.replace("/postgres", "/missing"): "register_unreachable",
        postgresql_url.replace("tests@", "nobody@"): "register_refused",
    }.items():
        result = await answer(hass, result, url=url)
        assert result["errors"] == {"url": error}, url
        assert suggested(result) == {"url": url}
    result = await answer(hass, result, url=postgresql_url)
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry = result["result"]

    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_RECONFIGURE, "entry_id": entry.entry_id}
    )
    assert suggested(result) == {}, "a password that is kept is not shown"
    result = await answer(hass, result, url="nothing")
    assert result["errors"] == {"url": "invalid_url"}
    result = await answer(hass, result, url=f"{postgresql_url}?application_name=a")
    await hass.async_block_till_done()
    assert result["reason"] == "reconfigure_successful"
    assert "application_name" in entry.data[CONF_URL]

    with patch(
        "custom_components.rental_units.storage.engine.Database.async_open",
        side_effect=RegisterError("register_refused"),
    ):
        await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.SETUP_ERROR
    (flow,) = hass.config_entries.flow.async_progress()
    result = await answer(hass, flow, url="nothing")
    assert result["errors"] == {"url": "invalid_url"}
    result = await answer(hass, flow, url=postgresql_url)
    await hass.async_block_till_done()
    assert result["reason"] == "reauth_successful"
    assert hass.config_entries.async_loaded_entries(DOMAIN) == [entry]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_reconfigure_and_options(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A file has no address to change; how long is kept can be changed."""
    result = await entry.start_reconfigure_flow(hass)
    assert result["reason"] == "nothing_to_reconfigure"
    result = await hass.config_entries.options.async_init(entry.entry_id)
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], {"next_step_id": "retention"}
    )
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], {"keep_days": 30.0, "keep_audit_days": 60.0}
    )
    assert result["data"] == {"keep_days": 30, "keep_audit_days": 60}


async def begin(hass: HomeAssistant, entry: MockConfigEntry, kind: str) -> Any:
    """Begin to add a unit or responder."""
    return await hass.config_entries.subentries.async_init(
        (entry.entry_id, kind), context={"source": SOURCE_USER}
    )


async def fill(hass: HomeAssistant, result: Any, data: Mapping[str, Any]) -> Any:
    """Fill in a form of a subentry."""
    result = await hass.config_entries.subentries.async_configure(
        result["flow_id"], dict(data)
    )
    await hass.async_block_till_done()
    return result


def suggested(result: Any) -> dict[str, Any]:
    """Return what a form suggests."""
    return {
        str(key): key.description["suggested_value"]
        for key in result["data_schema"].schema
        if key.description and "suggested_value" in key.description
    }


async def test_unit(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A unit is added with its people, and changed; they are in the register only."""
    result = await unit_form(hass, entry)
    for data, errors in (
        ({"building": "1", "number": "101"}, {"number": "unit_exists"}),
        ({"building": " "}, {"building": "building_missing"}),
        ({"number": " "}, {"number": "number_missing"}),
        ({"landlord": {**LANDLORD, "phone": "1"}}, {"base": "invalid_phone"}),
        ({"landlord": {"phone": OTHER_PHONE}}, {"base": "name_missing"}),
        (
            {"landlord": {"name": " ", "email": "a@example.com"}},
            {"base": "name_missing"},
        ),
        ({"tenants": [{**TENANT, "end": "2025-01-01"}]}, {"base": "lease_order"}),
        ({"tenants": [{**TENANT, "name": ""}]}, {"base": "name_missing"}),
        ({"tenants": [{**TENANT, "email": "x"}]}, {"base": "invalid_email"}),
        ({"tenants": [{**TENANT, "channels": []}]}, {"base": "phone_without_use"}),
        ({"tenants": [{**TENANT, "quiet_from": "22:00:00"}]}, {"base": "quiet_half"}),
        ({"tenants": [{**TENANT, **NEVER_OR_ALWAYS}]}, {"base": "quiet_half"}),
        (
            {"tenants": [{**TENANT, "person": "person.a", "push": "device"}]},
            {"base": "person_and_phone"},
        ),
    ):
        result = await fill_unit(hass, result, {**UNIT, **data})
        # The form is long: its head says that a field further down is wrong.
        assert result["errors"] == {"base": "see_field", **errors}
        # The frontend fills a section that has a default with it, and not with what is known.
        schema = result["data_schema"].schema
        (landlord,) = (key for key in schema if key == "landlord")
        assert landlord.default is vol.UNDEFINED
    for wrong in ({"rooms": 0}, {"letting": "sold"}, {"tenants": [{"phone": PHONE}]}):
        with pytest.raises(InvalidData):
            await fill_unit(hass, await unit_form(hass, entry), {**UNIT, **wrong})
    counts = await entry.runtime_data.async_run(queries.counts)
    assert (counts["persons"], counts["units"], counts["audit"]) == (0, 3, 0)
    result = await fill_unit(hass, result, UNIT)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert dict(entry.options) == {}
    unit = unit_id(entry, "3-1-301")
    assert entry.runtime_data.units[unit].data == {
        "building": "3",
        "stairwell": "1",
        "number": "301",
        "rooms": 2,
        "letting": "shared",
    }
    device = device_id(hass, entry, "3-1-301")
    shown = await call(hass, "get_unit", {"device_id": device, "reason": "alarm"})
    assert shown["address"] == "MARK-ADDRESS-1"
    assert [row["name"] for row in shown["people"]] == ["MARK-LANDLORD", "MARK-NAME-1"]
    assert hass.states.get("binary_sensor.3_1_301_registration").state == "off"

    result = await unit_form(hass, entry, "3-1-301")
    values = suggested(result)
    (tenant,) = values["tenants"]
    assert tenant["phone"] == "+86*******8001"
    # What is masked stays; who has another number is still the same; who is new is new.
    changed = {
        **UNIT,
        "number": "302",
        "landlord": {**LANDLORD, "phone": "13800138003"},
        "tenants": [
            {**tenant, "end": "2030-01-01"},
            {"name": "MARK-NAME-2", "phone": "13800138004", "channels": ["call"]},
        ],
    }
    taken = {**changed, "building": "1", "number": "101"}
    result = await fill_unit(hass, result, taken)
    assert result["errors"] == {"base": "see_field", "number": "unit_exists"}
    result = await fill_unit(hass, result, changed)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    again = await call(
        hass, "get_unit", {"device_id": device, "reason": "alarm", "reveal": True}
    )
    people = {row["name"]: row for row in again["people"]}
    assert again["name"] == "3-1-302"
    assert set(people) == {"MARK-LANDLORD", "MARK-NAME-1", "MARK-NAME-2"}
    assert {row["person_id"] for row in shown["people"]} < {
        row["person_id"] for row in again["people"]
    }
    assert people["MARK-NAME-1"]["end"] == "2030-01-01"
    targets = {
        key: {row["target"] for row in value["addresses"]}
        for key, value in people.items()
    }
    assert targets["MARK-NAME-1"] == {"+8613800138001"}
    assert targets["MARK-LANDLORD"] == {"+8613800138003"}

    # Who is taken from the list has not left: a day says so.
    result = await unit_form(hass, entry, "3-1-302")
    tenants = suggested(result)["tenants"]
    result = await fill_unit(hass, result, {**changed, "tenants": []})
    assert result["errors"] == {"base": "tenant_missing"}
    result = await fill_unit(
        hass, result, {**changed, "landlord": {}, "tenants": tenants}
    )
    assert result["errors"] == {"base": "landlord_missing"}
    today = entry.runtime_data.today.isoformat()
    gone = [{**row, "left_on": today} for row in tenants]
    result = await fill_unit(hass, result, {**changed, "tenants": gone})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    left = await call(hass, "get_unit", {"device_id": device, "reason": "alarm"})
    assert [row["name"] for row in left["people"]] == ["MARK-LANDLORD"]


async def test_responder(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A responder is added and changed; the title is the duty."""
    data = {"duty": "volunteer", "name": "MARK-NAME-9", "phone": PHONE}
    result = await begin(hass, entry, "responder")
    for wrong, error in (
        ({"phone": "1"}, "invalid_phone"),
        ({"name": " "}, "name_missing"),
        ({"webhook": "ftp://example.com"}, "invalid_webhook"),
        ({"webhook": "http://["}, "invalid_webhook"),
        ({"quiet_until": "07:00:00"}, "quiet_half"),
        (NEVER_OR_ALWAYS, "quiet_half"),
    ):
        result = await fill(hass, result, {**data, **wrong})
        assert result["errors"] == {"base": error}
    with pytest.raises(InvalidData):
        await fill(hass, await begin(hass, entry, "responder"), {**data, "duty": "x"})
    result = await fill(hass, result, data)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    subentry = next(
        row for row in entry.subentries.values() if row.data.get("duty") == "volunteer"
    )
    assert subentry.title == "Volunteer"
    assert dict(subentry.data) == {"duty": "volunteer"}

    result = await entry.start_subentry_reconfigure_flow(hass, subentry.subentry_id)
    values = suggested(result)
    assert values["phone"] == "+86*******8001"
    result = await fill(hass, result, {**values, "phone": "1"})
    assert result["errors"] == {"base": "invalid_phone"}
    values |= {"name": "MARK-NAME-8", "duty": "police", "email": "mark@example.com"}
    result = await fill(hass, result, values)
    assert result["reason"] == "reconfigure_successful"
    people = await entry.runtime_data.async_run(queries.responders)
    person = people[subentry.subentry_id]
    assert person.name == "MARK-NAME-8"
    assert {row.target for row in person.addresses} == {
        "+8613800138001",
        "mark@example.com",
    }


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_forms_without_a_register(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A register that fails, or does not run, is said so in each form."""
    duty = next(key for key, row in entry.subentries.items() if "duty" in row.data)
    away = {"side_effect": RegisterError("register_full")}
    add, change = [await unit_form(hass, entry, title) for title in (None, "1-1-101")]
    remove, restore = [
        await unit_step(hass, entry, step) for step in ("unit_remove", "unit_remove")
    ]
    chosen = {"unit": device_id(hass, entry, "1-1-101")}
    restore = await fill_unit(hass, restore, chosen)
    with patch.object(entry.runtime_data, "async_run", **away):
        result = await entry.start_subentry_reconfigure_flow(hass, duty)
        assert result["reason"] == "register_full"
        result = await fill_unit(hass, add, UNIT)
        assert result["errors"] == {"base": "register_full"}
        result = await fill_unit(hass, change, UNIT)
        assert result["errors"] == {"base": "register_full"}
        assert (await unit_form(hass, entry))["reason"] == "register_full"
        assert (await fill_unit(hass, remove, chosen))["reason"] == "register_full"
        assert (await fill_unit(hass, restore, {}))["reason"] == "register_full"
    begun = await unit_step(hass, entry, "unit_change")
    with patch.object(entry.runtime_data, "async_run", **away):
        assert (await fill_unit(hass, begun, chosen))["reason"] == "register_full"
    await hass.config_entries.async_unload(entry.entry_id)
    assert (await begin(hass, entry, "responder"))["reason"] == "entry_not_loaded"
    assert (await unit_form(hass, entry))["reason"] == "entry_not_loaded"
    result = await entry.start_subentry_reconfigure_flow(hass, duty)
    assert result["reason"] == "entry_not_loaded"


async def test_remove_and_restore_a_unit(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A unit goes with its people once it was said how many, and comes back with them."""
    register = entry.runtime_data
    unit, device = unit_id(entry, "1-1-101"), device_id(hass, entry, "1-1-101")
    person = await check_in(hass, entry, "1-1-101")
    states = {state.entity_id for state in hass.states.async_all()}
    other = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={("other", "device")}
    )
    result = await unit_step(hass, entry, "unit_remove")
    result = await fill_unit(hass, result, {"unit": other.id})
    assert result["errors"] == {"unit": "no_such_unit"}
    result = await fill_unit(hass, result, {"unit": "unknown"})
    assert result["errors"] == {"unit": "no_such_unit"}
    result = await fill_unit(hass, result, {"unit": device})
    assert result["description_placeholders"] == {
        "unit": "1-1-101",
        "people": "1",
        "days": "30",
    }
    result = await fill_unit(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert unit not in register.units
    assert dr.async_get(hass).async_get(device) is None
    # Nobody needs to be reminded of what was meant.
    assert register.missing == []

    await add_unit(hass, entry, building="1", stairwell="1", number="101")
    result = await unit_step(hass, entry, "unit_restore")
    result = await fill_unit(hass, result, {"unit": unit})
    assert result["errors"] == {"unit": "unit_exists"}
    await call(
        hass,
        "remove_unit",
        {"device_id": device_id(hass, entry, "1-1-101")},
    )
    result = await fill_unit(hass, result, {"unit": unit})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert device_id(hass, entry, "1-1-101") == device
    assert {state.entity_id for state in hass.states.async_all()} == states
    (tenant,) = await register.async_recipients([unit], ["tenants"])
    assert tenant.person_id == person

    with patch.object(
        register, "async_run", side_effect=RegisterError("register_full")
    ):
        assert (await unit_form(hass, entry))["reason"] == "register_full"
    result = await unit_step(hass, entry, "unit_restore")
    (field,) = result["data_schema"].schema.values()
    (removed,) = field.config["options"]
    with patch.object(
        register, "async_run", side_effect=RegisterError("register_full")
    ):
        result = await fill_unit(hass, result, {"unit": removed["value"]})
    assert result["reason"] == "register_full"


async def test_everything_of_a_person(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """What a form has taken it shows; what was not touched stays, what was emptied goes."""
    everything = {
        "name": "MARK-NAME-5",
        "phone": PHONE,
        "channels": ["call"],
        "person": "person.mark",
        "email": "mark@example.com",
        "language": "zh-Hant",
        "quiet_from": "22:00:00",
        "quiet_until": "07:00:00",
    }
    more = {"notify": "notify.mark", "webhook": "https://example.com/a#secret"}
    data = {
        "duty": "volunteer",
        "schedule": "schedule.a",
        "areas": ["gate"],
        **everything,
        **more,
    }
    await fill(hass, await begin(hass, entry, "responder"), data)
    duty = next(
        row for row in entry.subentries.values() if row.data.get("duty") == "volunteer"
    )

    async def form() -> tuple[Any, dict[str, Any]]:
        result = await entry.start_subentry_reconfigure_flow(hass, duty.subentry_id)
        return result, suggested(result)

    async def person() -> Person:
        people = await entry.runtime_data.async_run(queries.responders)
        return people[duty.subentry_id]

    result, values = await form()
    hidden = {"phone": "+86*******8001", "webhook": "https://example.com/*****"}
    assert values == {**data, **hidden}
    # One address has hours and a language of its own: a form that is only saved keeps it.
    change = {"person_id": (await person()).id, "only": ["email"], "language": "en"}
    await call(
        hass, "update_contact", change | {"quiet_from": "20:00", "quiet_until": "06:00"}
    )
    result, values = await form()
    await fill(hass, result, values)
    hours = {row.channel: row.quiet_from.hour for row in (await person()).addresses}
    assert hours.pop("email") == 20
    assert hours == {"call": 22, "push": 22, "notify": 22, "webhook": 22}
    with pytest.raises(ServiceValidationError) as failure:
        await call(hass, "update_contact", change | {"only": ["sms"]})
    assert failure.value.translation_key == "no_such_address"

    result, values = await form()
    less = {key: values[key] for key in ("duty", "name", "phone", "channels")}
    result = await fill(hass, result, {**less, "push": "a-phone"})
    assert result["reason"] == "reconfigure_successful"
    _, values = await form()
    assert values == {**less, "push": "a-phone", "language": "zh-Hant"}
    assert "schedule" not in entry.subentries[duty.subentry_id].data


async def test_who_is_known_already(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A landlord of two units keeps what only the form of the first has said."""
    landlord = {**LANDLORD, "email": "mark@example.com", "person": "person.mark"}
    await fill_unit(hass, await unit_form(hass, entry), {**UNIT, "landlord": landlord})
    other = {**UNIT, "number": "302", "landlord": LANDLORD, "tenants": []}
    await fill_unit(hass, await unit_form(hass, entry), other)
    result = await unit_form(hass, entry, "3-1-302")
    section = result["data_schema"].schema["landlord"]
    shown = {
        str(key): key.description["suggested_value"]
        for key in section.schema.schema
        if key.description
    }
    assert (shown["email"], shown["person"]) == ("mark@example.com", "person.mark")

    # The form has room for one landlord; the second stays where the first is changed.
    device = device_id(hass, entry, "3-1-302")
    second = {"name": "MARK-SECOND", "phone": PHONE, "role": "landlord"}
    await call(hass, "check_in", {"device_id": device, **second})
    result = await unit_form(hass, entry, "3-1-302")
    await fill_unit(hass, result, other)
    answer = await call(hass, "get_unit", {"device_id": device, "reason": "alarm"})
    assert {row["name"] for row in answer["people"]} == {"MARK-LANDLORD", "MARK-SECOND"}


async def test_empty_unit(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A unit needs a building and a number, and nobody in it."""
    data = {"building": "9", "number": "1", "landlord": {}}
    result = await fill_unit(hass, await unit_form(hass, entry), data)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    unit = entry.runtime_data.units[unit_id(entry, "9-1")]
    assert unit.data == {"building": "9", "number": "1"}
    assert (await entry.runtime_data.async_run(queries.counts))["persons"] == 0


async def test_responder_without_a_person(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Somebody who was erased leaves an empty form, which takes a new person."""
    duty = next(key for key, row in entry.subentries.items() if "duty" in row.data)
    result = await entry.start_subentry_reconfigure_flow(hass, duty)
    values = suggested(result)
    assert values == dict(entry.subentries[duty].data)
    result = await fill(hass, result, {**values, "name": "MARK-NEW", "phone": PHONE})
    assert result["reason"] == "reconfigure_successful"
    people = await entry.runtime_data.async_run(queries.responders)
    assert people[duty].name == "MARK-NEW"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("language", "expected"),
    [("zh-Hant", "zh-Hant"), ("zh", "zh-Hans"), ("de", "en"), ("en-GB", "en")],
)
async def test_over_http(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_client: ClientSessionGenerator,
    hass_admin_user: MockUser,
    language: str,
    expected: str,
) -> None:
    """The audit names the administrator at the browser; people get the house's language."""
    hass.config.language = language
    assert await async_setup_component(hass, "config", {})
    client = await hass_client()
    path = "/api/config/config_entries/options/flow"
    flow = await (await client.post(path, json={"handler": entry.entry_id})).json()
    for step in ("units", "unit_add"):
        response = await client.post(
            f"{path}/{flow['flow_id']}", json={"next_step_id": step}
        )
        flow = await response.json()
    # The browser shows a section's default, where there is one, and not who is known.
    fields = {field["name"]: field for field in flow["data_schema"]}
    assert "default" not in fields["landlord"]
    response = await client.post(f"{path}/{flow['flow_id']}", json=UNIT)
    assert (await response.json())["type"] == "create_entry"
    await hass.async_block_till_done()

    def read(session: Session) -> tuple[list[str | None], set[str]]:
        return (
            [row.who for row in session.query(Audit)],
            {row.language for row in session.query(Person)},
        )

    who, languages = await entry.runtime_data.async_run(read)
    assert set(who) == {hass_admin_user.id}
    assert languages == {expected}
