"""Who may do what: every caller, every action, every view and every websocket command.

What is registered and not in these tables fails the test.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rental_units.alerts.links import ANSWER_PATH
from custom_components.rental_units.alerts.manager import engine_of
from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.transfer.views import PATH
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import Unauthorized
from homeassistant.setup import async_setup_component

from .common import call, check_in, device_id, unit_id
from .test_services import user

CALLERS = ("admin", "manager", "landlord", "police", "anonymous")
#: Who controls all of a unit's entities.
OF_THE_UNIT = {"admin", "manager", "landlord"}
ADMIN = {"admin"}
#: In an order in which each has something to act on.
ACTIONS: dict[str, set[str]] = {
    "check_in": OF_THE_UNIT,
    "get_unit": OF_THE_UNIT,
    "update_contact": OF_THE_UNIT,
    "alert": OF_THE_UNIT,
    "get_alerts": OF_THE_UNIT | {"police"},
    "acknowledge_alert": OF_THE_UNIT,
    "cancel_alert": OF_THE_UNIT,
    "check_out": OF_THE_UNIT,
    "export_register": ADMIN,
    "import_register": ADMIN,
    "erase_person": ADMIN,
}
#: Path and method of each view, and what it answers to anybody without a valid token: no
#: login opens them, and none closes them.
VIEWS = {
    ("/api/r/{token}", "GET"): HTTPStatus.GONE,
    ("/api/r/{token}", "POST"): HTTPStatus.GONE,
    ("/api/rental_units/callback/{entry_id}/{token}", "POST"): HTTPStatus.FORBIDDEN,
}
#: Views behind a login, and what they answer to those who may.
LOGIN_VIEWS = {
    (PATH, "GET"): (ADMIN, HTTPStatus.OK),
    (PATH, "POST"): (ADMIN, HTTPStatus.BAD_REQUEST),  # An empty file.
}
COMMANDS: dict[str, set[str]] = {}


async def data_of(
    hass: HomeAssistant, entry: MockConfigEntry
) -> Callable[[str], dict[str, Any]]:
    """Return a function that returns the data of an action."""
    person = await check_in(hass, entry, "1-1-101")
    device = {"device_id": device_id(hass, entry, "1-1-101")}
    unit = {"unit_id": unit_id(entry, "1-1-101")}
    alert = await call(hass, "alert", {**unit, "severity": "message", "message": "x"})
    file = {"config_entry_id": entry.entry_id, "file": "register.csv"}
    ids = {"alert_id": alert["alert_id"]}
    return {
        "check_in": {**device, "name": "MARK-NAME-2", "phone": "13800138002"},
        "get_unit": {**device, "reason": "alarm"},
        "update_contact": {"person_id": person, "language": "zh-Hans"},
        "alert": {**unit, "severity": "message", "message": "y"},
        "get_alerts": {},
        "acknowledge_alert": ids,
        "cancel_alert": ids,
        "check_out": device,
        "export_register": file,
        "import_register": file,
        "erase_person": {"person_id": person},
    }.__getitem__


def actions(hass: HomeAssistant) -> set[str]:
    """Return the actions that are registered."""
    return set(hass.services.async_services_for_domain(DOMAIN))


@pytest.mark.parametrize("caller", [row for row in CALLERS if row != "anonymous"])
async def test_actions(
    hass: HomeAssistant, entry: MockConfigEntry, caller: str
) -> None:
    """A user may do what is theirs; what they may not do is refused."""
    assert actions(hass) == set(ACTIONS)
    data, who = await data_of(hass, entry), user(hass, caller)
    done = {}
    for action in ACTIONS:
        try:
            answer = await call(hass, action, data(action), user=who)
        except Unauthorized:
            done[action] = False
        else:
            done[action] = action != "get_alerts" or bool(answer["alerts"])
    assert done == {action: caller in allowed for action, allowed in ACTIONS.items()}


async def test_actions_without_login(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client_no_auth: Any
) -> None:
    """Who is not logged in can call nothing."""
    assert not any("anonymous" in allowed for allowed in ACTIONS.values())
    await async_setup_component(hass, "api", {})
    client = await hass_client_no_auth()
    data = await data_of(hass, entry)
    for action in actions(hass):
        answer = await client.post(
            f"/api/services/{DOMAIN}/{action}", json=data(action)
        )
        assert answer.status == HTTPStatus.UNAUTHORIZED


async def headers_of(hass: HomeAssistant, caller: str) -> dict[str, str]:
    """Return the headers of a caller's requests."""
    who = user(hass, caller) if caller != "anonymous" else None
    if who is None:
        return {}
    token = await hass.auth.async_create_refresh_token(who, "https://example.com/")
    return {"Authorization": f"Bearer {hass.auth.async_create_access_token(token)}"}


@pytest.mark.parametrize("caller", CALLERS)
async def test_views_behind_a_login(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_client_no_auth: Any,
    caller: str,
) -> None:
    """Who may not is told nothing, not even if there is such a property."""
    client = await hass_client_no_auth()
    headers = await headers_of(hass, caller)
    for (path, method), (allowed, status) in LOGIN_VIEWS.items():
        for entry_id, answered in (
            (entry.entry_id, status),
            ("none", HTTPStatus.BAD_REQUEST),
        ):
            where = path.format(entry_id=entry_id)
            response = await client.request(method, where, headers=headers)
            refused = HTTPStatus.UNAUTHORIZED
            assert response.status == (answered if caller in allowed else refused)


@pytest.mark.parametrize("caller", CALLERS)
async def test_views(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_client_no_auth: Any,
    caller: str,
) -> None:
    """Only a valid token opens a view, whoever holds it."""
    routes = {
        (route.resource.canonical, route.method)
        for route in hass.http.app.router.routes()
        if route.resource
        and (
            DOMAIN in (path := route.resource.canonical)
            or path.startswith(f"{ANSWER_PATH}/")
        )
    }
    assert {row for row in routes if row[1] != "HEAD"} - {
        (path, "OPTIONS") for path, _ in (*VIEWS, *LOGIN_VIEWS)
    } == {*VIEWS, *LOGIN_VIEWS}
    client = await hass_client_no_auth()
    headers = await headers_of(hass, caller)
    engine = engine_of(hass, entry.entry_id)
    assert engine
    for (path, method), refused in VIEWS.items():
        where = path.format(entry_id=entry.entry_id, token="nonsense")
        answer = await client.request(method, where, headers=headers)
        assert answer.status == refused
        other = path.format(entry_id="nobody", token=engine.links.report_token())
        answer = await client.request(method, other, headers=headers)
        assert answer.status in (HTTPStatus.GONE, HTTPStatus.NOT_FOUND)
    report = (
        f"/api/rental_units/callback/{entry.entry_id}/{engine.links.report_token()}"
    )
    assert (await client.post(report, headers=headers, data="[]")).status == 200


async def test_commands(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """There is no websocket command of ours: a new one needs a row here."""
    await async_setup_component(hass, "websocket_api", {})
    registered = {name for name in hass.data["websocket_api"] if DOMAIN in name}
    assert registered == set(COMMANDS)
