"""Who may let a warning or fault call nobody for a while, over the real websocket."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.community_safety.core.alarm import Alarm
from custom_components.community_safety.core.authority import Action
from custom_components.community_safety.core.house import DATA_HOUSE, House
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import Unauthorized
from tests.common import Peer, wait_until

from .test_authority import Register, offer
from .test_websocket import Panel, only

SHELF = {"seconds": 3600, "reason": "maintenance"}


@pytest.fixture
async def house(hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer) -> House:
    """Return a house in which a tank is low."""
    await peer.config("tank", "water_tank", ["level"], area="roof")
    await peer.state("tank", level=40)
    return hass.data[DATA_HOUSE]


@pytest.fixture
async def panel(
    hass: HomeAssistant, house: House, hass_ws_client: WebSocketGenerator
) -> Panel:
    """Return the panel of an administrator."""
    return Panel(await hass_ws_client(hass))


def the_alarm(house: House) -> Alarm:
    """Return the open alarm."""
    (alarm,) = house.book.open.values()
    return alarm


def seen(alarm: Alarm) -> dict[str, Any]:
    """Return an alarm as it is shown."""
    return {
        "incident_id": alarm.incident_id,
        "alarms": {alarm.id: alarm.severity.value},
    }


async def test_there_and_back(house: House, panel: Panel) -> None:
    """It goes below what is open, says until when, and comes back when a person says so."""
    alarm = the_alarm(house)
    row = only(await panel.subscribes())
    assert (row["rank"], row["may"]["shelve"]) == ("supervision", None)
    assert "unshelve" not in row["may"]
    await panel.does("shelve", **seen(alarm), **SHELF)
    row = only(await panel.hears("change", lambda m: only(m)["rank"] == "shelved"))
    assert row["alarms"][0]["shelved_until"] == alarm.shelved_until
    assert row["alarms"][0]["rank"] == "shelved"
    assert row["acknowledged"]
    assert row["may"]["unshelve"] is None
    assert "shelve" not in row["may"]
    await panel.does("unshelve", incident_id=alarm.incident_id)
    row = only(await panel.hears("change"))
    assert (row["rank"], row["acknowledged"]) == ("supervision", True)
    answer = await panel.ask("unshelve", incident_id=alarm.incident_id)
    assert answer["error"]["translation_key"] == "nothing_in_target"


async def test_words_on_the_timeline(house: House, panel: Panel) -> None:
    """Why it was is on the timeline, with the words of who did it."""
    alarm = the_alarm(house)
    shelf = {**SHELF, "reason": "other", "comment": "The float is being changed"}
    await panel.does("shelve", **seen(alarm), **shelf)
    row = only(await panel.subscribes("incident", incident_id=alarm.incident_id))
    (entry,) = [
        item for item in row["alarms"][0]["timeline"] if item["what"] == "shelved"
    ]
    assert (entry["reason"], entry["text"]) == ("other", shelf["comment"])
    assert entry["who"]


@pytest.mark.parametrize(
    ("shelf", "key"),
    [
        ({"reason": "other"}, "comment_needed"),
        ({"reason": "other", "comment": "abc"}, "comment_needed"),
        ({"reason": "because"}, None),
        ({"seconds": 14 * 60}, None),
        ({"seconds": 8 * 3600 + 1}, None),
        # Of what is not in the list any more.
        ({"alarms": {}}, "nothing_in_target"),
    ],
)
async def test_not_like_this(
    house: House, panel: Panel, shelf: dict[str, Any], key: str | None
) -> None:
    """A reason, and a time that is neither nothing nor for ever."""
    alarm = the_alarm(house)
    answer = await panel.ask("shelve", **{**seen(alarm), **SHELF, **shelf})
    assert answer["error"].get("translation_key") == key
    assert alarm.shelved_until is None


async def test_nothing_about_a_life(house: House, panel: Panel, peer: Peer) -> None:
    """Neither a fire nor a drill is shelved, whoever asks."""
    await peer.config("smoke", "smoke_sensor", ["smoke", "test"], area="1-1-201")
    await peer.state("smoke", test=True)
    await peer.state("smoke", smoke=True, test=True)
    (drill,) = [row for row in house.book.open.values() if row.drill]
    answer = await panel.ask("shelve", **seen(drill), **SHELF)
    assert answer["error"]["translation_key"] == "not_shelvable"
    await peer.state("smoke", smoke=True, test=False)
    await wait_until(peer.hass, lambda: drill.closed_at is not None)
    (fire,) = [row for row in house.book.open.values() if row.hazard == "smoke"]
    answer = await panel.ask("shelve", **seen(fire), **SHELF)
    assert answer["error"]["translation_key"] == "not_shelvable"
    assert fire.shelved_until is None
    rows = (await panel.subscribes())["incidents"]
    (row,) = [item for item in rows if item["rank"] == "fire"]
    assert not {"shelve", "unshelve"} & row["may"].keys()


async def test_what_became_worse_was_not_seen(
    house: House, panel: Panel, peer: Peer
) -> None:
    """Who has seen a warning has not seen the alarm."""
    alarm = the_alarm(house)
    shown = seen(alarm)
    await peer.state("tank", level=19)
    answer = await panel.ask("shelve", **shown, **SHELF)
    assert answer["error"]["translation_key"] == "nothing_in_target"
    assert alarm.shelved_until is None


@pytest.mark.parametrize("deed", ["shelve", "unshelve"])
async def test_who_may_not(
    hass: HomeAssistant,
    house: House,
    panel: Panel,
    hass_ws_client: WebSocketGenerator,
    hass_admin_user: MockUser,
    hass_read_only_access_token: str,
    deed: str,
) -> None:
    """A read-only account does not, nor whom the register gives no right."""
    alarm = the_alarm(house)
    data: dict[str, Any] = {**seen(alarm), **SHELF}
    if deed == "unshelve":
        await panel.does("shelve", **data)
        data = {"incident_id": alarm.incident_id}
    before = alarm.shelved_until
    police = Panel(await hass_ws_client(hass, hass_read_only_access_token))
    assert only(await police.subscribes())["may"] == {}
    answer = await police.ask(deed, **data)
    assert answer["error"]["code"] == "unauthorized"

    register = Register()
    register.rights = {hass_admin_user.id: {}}
    register.object_to = lambda _request: Unauthorized()
    await offer(hass, register)
    assert only(await panel.subscribes())["may"] == {}
    answer = await panel.ask(deed, **data)
    assert answer["error"]["code"] == "unauthorized"
    (request,) = register.asked
    assert request.action is Action.SHELVE
    assert {subject.area_id for subject in request.subjects} == {"roof"}
    assert alarm.shelved_until == before
