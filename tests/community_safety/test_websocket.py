"""What a panel asks, over the real websocket."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.authority import Action
from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from tests.common import Peer, wait_until

from .test_authority import Register, offer


@pytest.fixture
async def fire(hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer) -> None:
    """Set up a fire whose power is cut, and a drill elsewhere."""
    await peer.config("smoke-2", "smoke_sensor", ["smoke", "test"], area="1-1-202")
    await peer.state("smoke-2", test=True)
    await peer.state("smoke-2", smoke=True, test=True)
    await peer.config("smoke-1", "smoke_sensor", ["smoke"], area="1-1-201")
    await peer.config(
        "breaker-1", "breaker_monitor", ["supply", "current"], area="1-1-201"
    )
    await peer.state("breaker-1", supply=True, current=5)
    peer.obedient_breaker("breaker-1")
    await peer.state("smoke-1", smoke=True)
    (alarm,) = [a for a in hass.data[DATA_HOUSE].book.open.values() if not a.drill]
    await hass.services.async_call(
        DOMAIN,
        "cut_off",
        {"area_id": "1_1_201", "alarm_id": alarm.id},
        blocking=True,
    )
    await wait_until(hass, lambda: len(hass.data[DATA_HOUSE].cut_off.latches) == 1)


async def ask(client: Any, command: str) -> dict[str, Any]:
    """Return the answer to a command."""
    await client.send_json_auto_id({"type": f"{DOMAIN}/{command}"})
    answer = await client.receive_json()
    assert answer["success"]
    return dict(answer["result"])


async def test_incidents(
    hass: HomeAssistant,
    fire: None,
    hass_ws_client: WebSocketGenerator,
    hass_admin_user: Any,
) -> None:
    """The fire comes first, with its supply; who did something has a name here only."""
    book = hass.data[DATA_HOUSE].book
    await offer(hass, Register())
    real = next(alarm for alarm in book.open.values() if not alarm.drill)
    drill = next(alarm for alarm in book.open.values() if alarm.drill)
    book.acknowledge(real, hass_admin_user.id)
    book.acknowledge(drill, "some_register:7f3a")
    answer = await ask(await hass_ws_client(hass), "incidents")
    first, second = answer["incidents"]
    assert (first["rank"], first["drill"], first["acknowledged"]) == (
        "fire",
        False,
        True,
    )
    assert (first["area_id"], second["area_id"]) == ("1_1_201", "1_1_202")
    assert list(first["supplies"].values()) == [True]
    assert (second["drill"], second["supplies"]) == (True, {})
    assert answer["names"] == {
        hass_admin_user.id: hass_admin_user.name,
        "some_register:7f3a": "The person 7f3a",
    }
    stored = str([alarm.as_dict() for alarm in book.open.values()])
    assert "The person" not in stored


async def test_incidents_of_a_blind_user(
    hass: HomeAssistant,
    fire: None,
    hass_ws_client: WebSocketGenerator,
    hass_admin_user: Any,
) -> None:
    """Who may read no device sees no incident."""
    client = await hass_ws_client(hass)
    hass_admin_user.groups = []
    hass_admin_user.is_owner = False
    hass_admin_user.invalidate_cache()
    assert await ask(client, "incidents") == {"incidents": [], "names": {}}


async def test_session(
    hass: HomeAssistant,
    fire: None,
    hass_ws_client: WebSocketGenerator,
    hass_read_only_access_token: str,
    hass_admin_user: Any,
) -> None:
    """Both have a say: Home Assistant's permissions and the provider."""
    client = await hass_ws_client(hass)
    assert await ask(client, "session") == {"rights": dict.fromkeys(Action)}
    reader = await hass_ws_client(hass, hass_read_only_access_token)
    assert await ask(reader, "session") == {"rights": {item: [] for item in Action}}
    register = Register()
    register.rights = {hass_admin_user.id: {Action.CUT_OFF: ["1_1_201"]}}
    await offer(hass, register)
    rights = (await ask(client, "session"))["rights"]
    assert rights == {item: [] for item in Action} | {Action.CUT_OFF: ["1_1_201"]}


async def test_session_of_a_part(
    hass: HomeAssistant,
    fire: None,
    hass_ws_client: WebSocketGenerator,
    hass_admin_user: Any,
) -> None:
    """Who may control the entities of one flat may act there."""
    client = await hass_ws_client(hass)
    hass_admin_user.is_owner = False
    hass_admin_user.groups = []
    (alarm,) = [a for a in hass.data[DATA_HOUSE].book.open.values() if not a.drill]
    event = er.async_get(hass).async_get_entity_id(
        "event", DOMAIN, f"{alarm.device}/alarm_event"
    )
    hass_admin_user.mock_policy({"entities": {"entity_ids": {event: True}}})
    rights = (await ask(client, "session"))["rights"]
    assert rights[Action.RESET] == ["1_1_201"]
