"""Links, tokens, ids, names and numbers of alerts are nowhere that others can read."""

from collections.abc import Awaitable, Callable
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockUser
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from sqlalchemy import update

from custom_components.rental_units.alerts.channels.twilio import sign
from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.rental_units.register.models import Unit
from homeassistant.core import Context, Event
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.json import json_dumps
from homeassistant.setup import async_setup_component

from .conftest import NUMBERS, TWILIO, House
from .providers import Provider
from .test_channels import register_phone

type Add = Callable[..., Awaitable[Provider]]

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

ADDRESS = "MARK-ADDRESS"
NOTE = "MARK-NOTE"
MESSAGE = "MARK-MESSAGE"
SECRET = "MARK-SECRET"
SCRIPT = {
    "tell": {
        "sequence": [
            {
                "action": "rental_units.alert",
                "data": {"area_id": "{{ area }}", "hazard": "smoke"},
                "response_variable": "raised",
            },
            {
                "action": "rental_units.get_alerts",
                "data": {"alert_id": "{{ raised.alert_id }}"},
                "response_variable": "found",
            },
            {"variables": {"told": "{{ found.alerts | length }} alerts"}},
        ]
    }
}
#: The phone's own events, in which it sends back what is on its buttons.
PHONES = ("mobile_app_notification_action", "mobile_app_notification_received")

#: Web servers, which name each path that is opened if they are told to: Home Assistant lets
#: neither of them by itself, and the second is that of the stand-ins of providers, too.
SERVERS = ("homeassistant.helpers.http", "aiohttp.access")


@pytest.fixture
def recorder_db_url(tmp_path: Path) -> str:
    """Let the recorder write a file."""
    return f"sqlite:///{tmp_path}/recorder.db"


async def alert_everybody(house: House, push: Provider, app: Any, hook: str) -> Any:
    """Let a script alert, everybody answer in every way, and a provider fail."""
    hass = house.hass
    await hass.services.async_call(
        "script", "turn_on", {"entity_id": "script.tell", **variables(house)}
    )
    await house.until(lambda: bool(house.engine.alerts))
    await house.settled()
    (alert,) = house.engine.alerts.values()
    sent = push.heard[0]["json"]["data"]
    for kind, data in (
        (PHONES[1], {key: str(value) for key, value in sent.items()}),
        (PHONES[1], {"action_1_key": sent["actions"][0]["action"]}),
        (PHONES[0], {"action": sent["actions"][2]["action"]}),
    ):
        fired = await app.post(
            f"/api/webhook/{hook}",
            json={
                "type": "fire_event",
                "data": {"event_type": kind, "event_data": data},
            },
        )
        assert fired.ok
    await hass.async_block_till_done()
    return alert


def variables(house: House) -> dict[str, Any]:
    """Return the variables of the script."""
    return {"variables": {"area": house.area_id}}


async def use_links(house: House, client: Any, sms: Provider, call: Provider) -> None:
    """Open a link, answer by it and by guesses, and report as the provider does."""
    for token in list(house.engine.dispatcher.by_token)[:2]:
        assert (await client.get(f"/api/r/{token}")).ok
        assert (await client.post(f"/api/r/{token}", data={"answer": "safe"})).ok
    assert not (await client.get("/api/r/nonsense")).ok
    for heard, form in (
        (sms.heard[0], {"MessageStatus": "delivered"}),
        (sms.heard[1], {"MessageStatus": "undelivered"}),
        (call.heard[0], {"CallStatus": "completed", "Digits": "1"}),
    ):
        url = heard["form"]["StatusCallback"]
        path = url.removeprefix("https://house.example")
        signed = {"X-Twilio-Signature": sign(SECRET, url, form)}
        assert (await client.post(path, data=form, headers=signed)).ok
        assert not (await client.post(path, data=form)).ok
    report = house.engine.links.report_url().removeprefix("https://house.example")
    assert (await client.post(report, data="[]")).ok
    await house.settled()


def marks_of(house: House, sms: Provider) -> dict[str, str]:
    """Return what must be nowhere, by its kind."""
    rows = house.engine.dispatcher.deliveries.values()
    token = house.engine.links.token
    marks = {f"link {row.address_id}": token(row) for row in rows}
    marks |= {f"receipt {row.address_id}": token(row, "receipt") for row in rows}
    marks |= {f"delivery {row.address_id}": row.id for row in rows}
    marks |= {
        f"callback {number}": heard["form"]["StatusCallback"].rpartition("/")[2]
        for number, heard in enumerate(sms.heard)
    }
    return marks | {
        **{f"number of {key}": number[1:] for key, number in NUMBERS.items()},
        **{f"name of {key}": f"Placeholder {key}" for key in NUMBERS},
        "report": house.engine.links.report_token(),
        "address": ADDRESS,
        "note": NOTE,
        "message": MESSAGE,
        "provider": SECRET,
    }


async def test_marked_alert(
    recorder_mock: Any,
    house: House,
    sms: Provider,
    call: Provider,
    add_provider: Add,
    hass_client: Any,
    hass_client_no_auth: Any,
    hass_admin_user: MockUser,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    """An alert with everything that there is: no mark is anywhere but at whom it was sent."""
    logging.getLogger().setLevel(logging.DEBUG)
    hass, events = house.hass, list[Event]()
    hass.bus.async_listen("*", events.append)
    channels = house.entry.options["channels"]
    house.options(
        channels={key: {**row, "auth_token": SECRET} for key, row in channels.items()}
    )
    await house.entry.runtime_data.async_run(
        lambda session: session.execute(update(Unit).values(address=ADDRESS))
    )
    push = await add_provider({})
    push.status = 201
    assert await async_setup_component(hass, "mobile_app", {})
    assert await async_setup_component(hass, "script", {"script": SCRIPT})
    app = await hass_client()
    device, hook = await register_phone(house, app, push)
    await house.put_address("landlord", "push", device.id)
    alert = await alert_everybody(house, push, app, hook)
    await use_links(house, await hass_client_no_auth(), sms, call)
    marks = marks_of(house, sms)
    buttons = [
        house.engine.links.token(row, "button")
        for row in house.engine.dispatcher.deliveries.values()
    ]
    assert house.engine.helpers.of(alert).open
    answer = await house.get(history=True)
    sms.status = call.status = 500
    await house.alert(message=MESSAGE)
    for _ in range(3):
        await house.settled()
        await house.tick(31)
    close = {"alert_id": alert.id, "note": NOTE}
    await hass.services.async_call(
        DOMAIN,
        "close_help",
        close,
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    diagnostics = await async_get_config_entry_diagnostics(hass, house.entry)
    repairs = repr(ir.async_get(hass).issues)
    await house.restart()
    await async_wait_recording_done(hass)

    own = house.entry.runtime_data.database.path
    files = {
        str(path): path.read_bytes().decode("latin-1")
        for path in tmp_path.rglob("*")
        if path.is_file() and not path.name.startswith(own.name)
    }
    shown = {
        "states": json_dumps([row.as_dict() for row in hass.states.async_all()]),
        "our events": repr(
            [row.data for row in events if row.event_type not in PHONES]
        ),
        "diagnostics": json_dumps(diagnostics),
        "repairs": repairs + repr(ir.async_get(hass).issues),
        "answer": json.dumps(answer),
        "traces": repr(
            [
                trace.as_extended_dict()
                for runs in hass.data["trace"].values()
                for trace in runs.all_traces()
            ]
        ),
    }
    everywhere = {
        **shown,
        **files,
        "log": "\n".join(
            caplog.handler.format(row)
            for row in caplog.records
            if row.name not in SERVERS
        ),
        "events": repr([row.data for row in events]),
    }
    found = [
        (where, kind, text[max(0, text.index(mark) - 150) : text.index(mark) + 60])
        for where, text in everywhere.items()
        for kind, mark in marks.items()
        if mark in text
    ]
    assert found == []
    # What is on a button comes back in the phone's own events, and is of use to it alone.
    assert not [row for row in shown.values() for mark in buttons if mark in row]
    assert any(mark in everywhere["events"] for mark in buttons)
    assert any(row.endswith("recorder.db") for row in files)
    assert alert.id in "".join(files.values())
    assert all(alert.id in shown[row] for row in ("our events", "answer", "traces"))
    assert "provider_failing" in shown["repairs"]
    assert TWILIO["auth_token"] != SECRET
