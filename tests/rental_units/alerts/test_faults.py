"""Databases that fail, who may do what, and that no person is told to anybody else."""

import json
from pathlib import Path
from typing import Any

import pytest

from custom_components.rental_units.alerts.policies import DEFAULTS
from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.diagnostics import (
    async_get_config_entry_diagnostics,
)
from homeassistant.core import Context, Event, HomeAssistant
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.json import json_dumps
from homeassistant.setup import async_setup_component
from tests.rental_units.common import account

from .conftest import NUMBERS, TWILIO, House
from .providers import Provider

only_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def file_of(house: House) -> Path:
    """Return the register's file."""
    path = house.entry.runtime_data.database.path
    assert path
    return Path(path)


@only_sqlite
async def test_full(
    house: House, sms: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk: people are alerted all the same, and the rows are written when there is room."""

    def limit(pages: int) -> None:
        database = house.entry.runtime_data.database

        def run() -> None:
            with database._engine.connect() as connection:
                connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

        house.entry.runtime_data.database._executor.submit(run).result()

    await house.hass.async_add_executor_job(limit, 1)
    # Free pages inside the file are used first.
    await house.alert(hazard="smoke", message="x" * 900)
    for _ in range(200):
        if house.engine.ledger.trouble:
            break
        await house.alert(severity="message", message="x" * 900, audience=["landlord"])
    assert house.engine.ledger.trouble == "register_full"
    await house.until(lambda: len({h["form"]["To"] for h in sms.heard}) == 5)
    assert house.engine.ledger.waiting > 0

    await house.hass.async_add_executor_job(limit, 1_000_000)
    await house.tick(6)
    await house.settled()
    assert house.engine.ledger.trouble is None
    assert house.engine.ledger.waiting == 0
    assert len(await house.stored()) >= 5
    assert "Placeholder" not in caplog.text
    assert caplog.text.count("Alerts cannot be written") == 1


@only_sqlite
async def test_corrupt(house: House, sms: Provider) -> None:
    """A damaged file is moved aside at the start; what is known meanwhile is sent."""
    await house.alert(hazard="smoke")
    await house.settled()
    assert len(sms.heard) == 5
    path = file_of(house)
    assert await house.hass.config_entries.async_unload(house.entry.entry_id)
    await house.hass.async_add_executor_job(path.write_bytes, b"no database" * 1000)
    assert await house.hass.config_entries.async_setup(house.entry.entry_id)
    await house.hass.async_block_till_done()
    assert house.engine.alerts == {}
    assert len(sms.heard) == 5


async def test_erased_person(house: House, sms: Provider) -> None:
    """Who was erased between two tries is not told."""
    await sms.stop()
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()

    def erase(session: Any) -> None:
        from sqlalchemy import text  # noqa: PLC0415

        session.execute(text("DELETE FROM leases WHERE person_id = 'landlord'"))
        session.execute(text("DELETE FROM persons WHERE id = 'landlord'"))

    await house.entry.runtime_data.async_run(erase)
    await house.restart()
    await sms.start()
    await house.tick(2)
    await house.settled()
    assert sms.heard == []
    assert (await house.stored())["landlord-sms"].reason == "address_gone"


@pytest.mark.parametrize(
    ("role", "may_alert", "may_read"),
    [("manager", True, True), ("police", False, True), ("user", False, False)],
)
async def test_permissions(
    house: House,
    hass: HomeAssistant,
    role: str,
    may_alert: bool,
    may_read: bool,
) -> None:
    """A role lets a user alert, or read; membership of the group Users lets do neither."""
    await house.alert(hazard="smoke")
    user = await account(hass, house.entry, role)
    context = Context(user_id=user.id)

    async def may(action: str, data: dict[str, object], answers: bool = False) -> bool:
        try:
            answer = await hass.services.async_call(
                DOMAIN,
                action,
                data,
                blocking=True,
                return_response=answers,
                context=context,
            )
        except Unauthorized:
            return False
        return not answers or bool(answer["alerts"])

    ids = {"alert_id": list(house.engine.alerts)}
    assert await may("alert", {"area_id": house.area_id}) is may_alert
    assert await may("acknowledge_alert", ids) is may_alert
    assert await may("cancel_alert", ids) is may_alert
    assert await may("get_alerts", {"history": True}, answers=True) is may_read


async def test_targets(house: House, sms: Provider) -> None:
    """A device or an entity stands for its unit or area; a place without a unit is told too."""
    device = next(
        row
        for row in dr.async_get(house.hass).devices
        if (DOMAIN, house.units["202"]) in row.identifiers
    )
    alert_id = await house.alert(device_id=device.id)
    assert house.engine.alerts[alert_id].unit_ids == [house.units["202"]]
    (answer,) = [
        await house.hass.services.async_call(
            DOMAIN,
            "alert",
            {"entity_id": "binary_sensor.1_1_203_alert_active", "message": "Hello"},
            blocking=True,
            return_response=True,
        )
    ]
    assert house.engine.alerts[answer["alert_id"]].unit_ids == [house.units["203"]]
    from homeassistant.helpers import area_registry as ar  # noqa: PLC0415

    shed = ar.async_get(house.hass).async_get_or_create("Shed").id
    alert_id = await house.alert(area_id=shed, hazard="smoke")
    alert = house.engine.alerts[alert_id]
    assert (alert.unit_ids, alert.place) == ([], "Shed")
    await house.settled()
    assert NUMBERS["fire-post"] in {item["form"]["To"] for item in sms.heard}
    for data in ({}, {"device_id": "nothing"}):
        with pytest.raises(ServiceValidationError):
            await house.hass.services.async_call(DOMAIN, "alert", data, blocking=True)
    with pytest.raises(ServiceValidationError, match="no policy"):
        await house.alert(policy="none")
    named = await house.alert(policy="fault")
    assert len(house.engine.alerts[named].policy["steps"]) == 1


async def test_no_person_is_told(
    house: House,
    sms: Provider,
    call: Provider,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No name and no number in any state, event, log, answer, diagnostics or alert's row."""
    events: list[Event] = []
    house.hass.bus.async_listen("*", events.append)
    await async_setup_component(
        house.hass,
        "script",
        {"script": {"own": {"sequence": [{"event": "placeholder_done"}]}}},
    )
    channels = house.entry.options["channels"]
    house.options(
        channels={**channels, "sms": {"provider": "script", "script": "script.own"}}
    )
    call.status = 500
    await house.alert(hazard="smoke")
    await house.settled()
    await house.tick(31)
    await house.settled()
    answer = await house.get(history=True)
    diagnostics = await async_get_config_entry_diagnostics(house.hass, house.entry)
    rows = [
        json_dumps({key: str(value) for key, value in vars(row).items()})
        for row in (await house.stored()).values()
    ]
    said = [
        caplog.text,
        *(json_dumps(state.as_dict()) for state in house.hass.states.async_all()),
        *(repr(event.data) for event in events),
        json.dumps(answer),
        json.dumps(diagnostics, default=str),
        *rows,
    ]
    for text in said:
        assert "Placeholder tenant" not in text
        assert "Placeholder landlord" not in text
        assert not any(number in text for number in NUMBERS.values())
    assert TWILIO["account_sid"] not in json.dumps(diagnostics, default=str)


def test_defaults_are_held_to_the_figures() -> None:
    """Alarms: everybody at once, and the next step within 60 seconds."""
    steps = DEFAULTS["alarm"].steps
    assert steps[0].after == 0
    assert {"push", "sms", "call"} <= set(steps[0].channels)
    assert steps[1].after <= 60
    assert steps[-1].every <= 60
