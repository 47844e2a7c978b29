"""What depends on a unit, a person or a channel is known before it goes."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rental_units.alerts.channels import working
from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.dependents import About, Dependents, WhatDepends
from custom_components.rental_units.register import Audience
from homeassistant.core import Context, HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import Unauthorized

from .common import OTHER_PHONE, PHONE, account, call, check_in, device_id, unit_id
from .test_config_flow import begin, fill

SMS = {"sms": {"provider": "script", "script": "script.sms"}}


async def ask(
    hass: HomeAssistant, entry: MockConfigEntry, about: About, key: str, *others: str
) -> Dependents:
    """Return what depends on something."""
    application = application_of(hass, entry.entry_id)
    left = dict.fromkeys(Audience, others)
    return await application.async_fill(WhatDepends(about, key, left), None)


@pytest.fixture
async def lived_in(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, str]:
    """Return two tenants and a responder by their ids, who are told by text message."""
    hass.config_entries.async_update_entry(entry, options={"channels": SMS})
    await hass.async_block_till_done()
    data = {"duty": "volunteer", "name": "MARK-V", "phone": OTHER_PHONE}
    await fill(hass, await begin(hass, entry, "responder"), data)
    await hass.async_block_till_done(wait_background_tasks=True)
    posts = entry.runtime_data.phonebook.posts()
    volunteer = next(row.person for row in posts if row.duty == "volunteer")
    assert volunteer
    return {
        "both": await check_in(
            hass, entry, "1-1-101", name="MARK-1", webhook="https://example.com/x"
        ),
        "sms": await check_in(hass, entry, "1-1-101", name="MARK-2", phone=PHONE),
        "volunteer": volunteer.person_id,
    }


async def test_figures(
    hass: HomeAssistant, entry: MockConfigEntry, lived_in: dict[str, str]
) -> None:
    """People and duties are counted, and an alert that is open is told of."""
    unit = unit_id(entry, "1-1-101")
    assert await ask(hass, entry, About.UNIT, unit) == Dependents(people=2)
    assert await ask(hass, entry, About.PERSON, lived_in["sms"]) == Dependents(people=1)
    volunteer = lived_in["volunteer"]
    assert await ask(hass, entry, About.PERSON, volunteer) == Dependents(duties=1)
    left = working(entry.options) - {"sms"}
    assert await ask(hass, entry, About.CHANNEL, "sms", *left) == Dependents(1, 1)
    assert await ask(hass, entry, About.CHANNEL, "sms") == Dependents(2, 1)
    assert await ask(hass, entry, About.CHANNEL, "email") == Dependents()
    alert = await call(hass, "alert", {"unit_id": unit, "hazard": "smoke"})
    await hass.async_block_till_done(wait_background_tasks=True)
    for about, key in (
        (About.UNIT, unit),
        (About.PERSON, volunteer),
        (About.CHANNEL, "sms"),
    ):
        assert (await ask(hass, entry, about, key)).is_alerted
    await call(hass, "cancel_alert", {"alert_id": alert["alert_id"]})
    assert not (await ask(hass, entry, About.PERSON, volunteer)).is_alerted


async def test_form_of_a_channel(
    hass: HomeAssistant, entry: MockConfigEntry, lived_in: dict[str, str]
) -> None:
    """It says whom the channel alone reaches, and takes it away only once that is confirmed."""

    async def remove(channel: str) -> Any:
        flows = hass.config_entries.options
        result = await flows.async_init(entry.entry_id)
        for data in (
            {"next_step_id": "channel"},
            {"channel": channel},
            {"provider": "none"},
        ):
            result = await flows.async_configure(result["flow_id"], data)
        return result

    result = await remove("sms")
    assert result["step_id"] == "channel_remove"
    assert result["description_placeholders"] == {"people": "1", "duties": "1"}
    assert "sms" in entry.options["channels"]
    # What is set up, and told nothing of a fire by the policy, warns no tenant of it.
    steps = [
        {"after": 0, "channels": ["sms"]},
        {"after": 60, "channels": ["webhook"], "audience": ["responders"]},
    ]
    options = {**entry.options, "policies": {"alarm": {"steps": steps}}}
    hass.config_entries.async_update_entry(entry, options=options)
    result = await remove("sms")
    assert result["description_placeholders"] == {"people": "2", "duties": "1"}
    result = await hass.config_entries.options.async_configure(result["flow_id"], {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options["channels"] == {}
    await hass.async_block_till_done()
    # Nobody has an address there.
    assert (await remove("email"))["type"] is FlowResultType.CREATE_ENTRY
    await entry.runtime_data.database.async_close()
    assert (await remove("sms"))["reason"] == "property_not_loaded"
    await hass.config_entries.async_unload(entry.entry_id)
    assert (await remove("sms"))["type"] is FlowResultType.CREATE_ENTRY


async def test_form_of_a_unit(
    hass: HomeAssistant, entry: MockConfigEntry, lived_in: dict[str, str]
) -> None:
    """It asks the same."""
    flows = hass.config_entries.options
    result = await flows.async_init(entry.entry_id)
    for data in (
        {"next_step_id": "units"},
        {"next_step_id": "unit_remove"},
        {"unit": device_id(hass, entry, "1-1-101")},
    ):
        result = await flows.async_configure(result["flow_id"], data)
    assert result["description_placeholders"]["people"] == "2"


async def test_who_may_ask(
    hass: HomeAssistant, entry: MockConfigEntry, lived_in: dict[str, str]
) -> None:
    """Who may not let it go is not told what depends on it."""
    landlord = await check_in(hass, entry, "1-1-102", name="MARK-L", role="landlord")
    command = WhatDepends(About.UNIT, unit_id(entry, "1-1-101"))
    application = application_of(hass, entry.entry_id)
    manager = await account(hass, entry, "manager")
    asked = await application.async_do(command, Context(user_id=manager.id))
    assert asked == Dependents(people=2)
    owner = await account(hass, entry, "landlord", landlord)
    with pytest.raises(Unauthorized):
        await application.async_do(command, Context(user_id=owner.id))
