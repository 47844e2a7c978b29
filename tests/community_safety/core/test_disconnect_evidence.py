"""What may be called proof of a cut-off, and what may not: each line is a mistake that could be made."""

import asyncio
import sqlite3
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core import disconnect, proving
from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
from tests.common import BASE, Peer, add_gateway, wait_until


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what can never be proven end soon."""
    monkeypatch.setattr(disconnect, "TRY_SECONDS", 1.0)
    monkeypatch.setattr(proving, "ASK_SECONDS", 0.1)
    monkeypatch.setattr(disconnect, "DEADLINE_SECONDS", 2.0)
    monkeypatch.setattr(disconnect, "FIRST_BACKOFF_SECONDS", 0.01)


async def cut(hass: HomeAssistant, **data: Any) -> dict[str, Any]:
    """Cut what is in the flat, and return the answer for the one supply there."""
    answer = await hass.services.async_call(
        DOMAIN,
        "cut_off",
        {"area_id": "1_1_201", "deadline": 2, **data},
        blocking=True,
        return_response=True,
    )
    assert answer
    (result,) = answer["supplies"]  # type: ignore[str-unpack]
    return dict(result)  # type: ignore[arg-type]


async def restore(hass: HomeAssistant, user: MockUser) -> None:
    """Restore the breaker by a person."""
    switch = er.async_get(hass).async_get_entity_id(
        "switch", DOMAIN, f"mqtt/{BASE}/breaker-1/supply"
    )
    await hass.services.async_call(
        DOMAIN,
        "restore",
        {"entity_id": switch, "checked": "on_site"},
        blocking=True,
        context=Context(user_id=user.id),
    )


async def add_breaker(peer: Peer, **values: Any) -> None:
    """Add a breaker that is closed, with these readings."""
    await peer.config(
        "breaker-1", "breaker_monitor", ["supply", *values], area="1-1-201"
    )
    await peer.state("breaker-1", supply=True, **values)


def obey(peer: Peer, **after: Any) -> None:
    """Let the breaker open, and report this with it."""

    def answer(message: dict[str, Any]) -> None:
        peer.publish(
            f"{BASE}/breaker-1/result", {"version": 1, "id": message["id"], "ok": True}
        )
        peer.publish(
            f"{BASE}/breaker-1/state",
            peer.state_message({**message["set"], **after}),
            retain=True,
        )

    peer.answer(f"{BASE}/breaker-1", answer)


async def test_any_phase_is_a_load(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """One dead phase proves nothing while another one is live."""
    await add_breaker(peer, current_l1=8, current_l2=8, current_l3=8)
    obey(peer, current_l1=0, current_l2=5, current_l3=0)
    assert (await cut(hass))["status"] == "failed"


async def test_power_back_into_the_grid_is_a_load(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """A feed of 500 W in the other direction is a closed contact."""
    await add_breaker(peer, power=1200)
    obey(peer, power=-500)
    assert (await cut(hass))["status"] == "failed"


async def test_all_phases_without_load_are_a_proof(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """The noise of three open phases is none."""
    await add_breaker(peer, current_l1=8, current_l2=8, current_l3=8)
    obey(peer, current_l1=0.05, current_l2=0, current_l3=0.02)
    result = await cut(hass)
    assert result["status"] == "confirmed"
    assert result["proof"] == ["supply", "current_l1", "current_l2", "current_l3"]


async def test_what_an_offline_device_said_is_no_proof(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """It was proven, then contact was lost: a second cut-off is not confirmed by memory."""
    await add_breaker(peer, current=5)
    obey(peer, current=0)
    assert (await cut(hass))["status"] == "confirmed"
    peer.answer(f"{BASE}/breaker-1", lambda _message: None)
    await peer.send(f"{BASE}/status", {"version": 1, "online": False}, retain=True)
    await wait_until(hass, lambda: not gateway.runtime_data.connected)
    assert (await cut(hass))["status"] != "confirmed"


async def test_a_self_test_cuts_nothing(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """A pile whose detector is being tested keeps its sockets."""
    await peer.config("pile", "charging_pile", ["supply_1", "smoke", "test"])
    await peer.state("pile", supply_1=True, smoke=False, test=False)
    await peer.state("pile", smoke=True, test=True)
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    assert alarm.drill
    await peer.settled()
    assert [topic for topic, _ in peer.heard if topic.endswith("/set")] == []
    assert hass.data[DATA_HOUSE].cut_off.latches == {}


async def test_the_second_alarm_holds_it_off_after_a_restart(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    hass_admin_user: MockUser,
) -> None:
    """Which alarms want a supply off is on the disk, not only the first of them."""
    await add_breaker(peer, current=5)
    obey(peer, current=0)
    for sensor in ("smoke-1", "smoke-2"):
        await peer.config(sensor, "smoke_sensor", ["smoke"], area="1-1-201")
        await peer.state(sensor, smoke=True)
    house = hass.data[DATA_HOUSE]
    for alarm in tuple(house.book.open.values()):
        assert (await cut(hass, alarm_id=alarm.id))["status"] == "confirmed"
    await wait_until(hass, lambda: not house.storage.is_busy)
    rows = await house.storage._async_run(house.storage._living, "latches")
    ((_key, row),) = rows.items()
    assert set(row["alarms"]) == set(house.book.open)

    await peer.state("smoke-1", smoke=False)
    with pytest.raises(ServiceValidationError) as present:
        await restore(hass, hass_admin_user)
    assert present.value.translation_key == "still_present"


async def test_an_old_relay_reading_is_no_proof(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """A relay that read open before the command, and has said nothing since, proves nothing."""
    await add_breaker(peer, current=5)
    await peer.state("breaker-1", supply=False, current=0)
    assert (await cut(hass))["status"] != "confirmed"


async def test_a_retained_answer_is_no_proof(
    hass: HomeAssistant, peer: Peer, hass_config_file: sqlite3.Connection
) -> None:
    """What the broker kept from before our start says how it was, and is no read-back."""
    await peer.gateway()
    await add_breaker(peer, current=0)
    await peer.state("breaker-1", supply=False, current=0)
    entry = await add_gateway(hass)
    await wait_until(hass, lambda: entry.runtime_data.connected)
    await wait_until(hass, lambda: "breaker-1" in entry.runtime_data.devices)
    assert (await cut(hass))["status"] != "confirmed"


async def test_a_caller_that_goes_away_ends_nothing(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """An automation that is stopped in the midst of a cut-off leaves the power off."""
    await add_breaker(peer, current=5)
    peer.answer(f"{BASE}/breaker-1", lambda _message: None)
    calling = asyncio.create_task(cut(hass))
    await peer.hears(f"{BASE}/breaker-1/set")
    obey(peer, current=0)
    calling.cancel()
    latches = hass.data[DATA_HOUSE].cut_off.latches
    await wait_until(hass, lambda: [row.proven for row in latches.values()] == [True])


async def test_a_restore_does_not_begin_before_the_cut_has_ended(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    hass_admin_user: MockUser,
) -> None:
    """A supply is not told to open and to close in turns."""
    await add_breaker(peer, current=5)
    peer.answer(f"{BASE}/breaker-1", lambda _message: None)
    cutting = asyncio.create_task(cut(hass))
    await peer.hears(f"{BASE}/breaker-1/set")
    restoring = asyncio.create_task(restore(hass, hass_admin_user))
    await peer.settled()
    assert {"supply": True} not in [message.get("set") for _, message in peer.heard]
    obey(peer, current=0)
    await peer.state("breaker-1", supply=False, current=0)
    assert (await cutting)["status"] == "confirmed"
    obey(peer, current=5)
    await restoring
    assert hass.data[DATA_HOUSE].cut_off.latches == {}


async def test_what_was_said_before_contact_was_lost_is_no_proof(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """Somebody closes the breaker while nobody listens: what is remembered confirms nothing."""
    await add_breaker(peer, current=5)
    obey(peer, current=0)
    assert (await cut(hass))["status"] == "confirmed"
    for online in (False, True):
        await peer.send(f"{BASE}/status", {"version": 1, "online": online}, retain=True)
    peer.heard.clear()
    assert (await cut(hass))["status"] == "confirmed"
    assert f"{BASE}/breaker-1/set" in [topic for topic, _ in peer.heard]


async def test_a_relay_that_comes_on_with_the_mains(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """arendst/Tasmota#13147: off, and 45 ms later on, although it is set to stay off."""
    await add_breaker(peer, current=5)
    obey(peer, current=0)
    assert (await cut(hass))["status"] == "confirmed"
    (latch,) = hass.data[DATA_HOUSE].latches.rows.values()
    peer.heard.clear()
    for closed, amperes in ((False, 0), (True, 5)):
        await peer.state("breaker-1", retain=False, supply=closed, current=amperes)
    assert (await peer.hears(f"{BASE}/breaker-1/set"))["set"] == {"supply": False}
    await wait_until(hass, lambda: latch.proven is True)


async def test_the_moment_after_a_command_lies(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """notDIRK/shelly-cloud-diy-ha#34: a welded contact, and a meter that says 0 W for 45 s.

    Koenkk/zigbee2mqtt#32892: a relay that says open while 30 W flow. Whenever it shows, the
    cut-off is not proven any more, and people are told.
    """
    await add_breaker(peer, power=85.2)
    obey(peer, power=0)
    assert (await cut(hass))["status"] == "confirmed"
    (latch,) = hass.data[DATA_HOUSE].latches.rows.values()
    obey(peer, power=85.2)
    await peer.state("breaker-1", retain=False, supply=False, power=85.2)
    assert latch.proven is False
    book = hass.data[DATA_HOUSE].book
    assert [row.hazard for row in book.open.values()] == ["refused_to_open"]
    assert latch.unproven == "current_flows"


@pytest.mark.parametrize("how", ["contact", "restart"])
async def test_what_was_proven_before_contact_was_lost_is_proven_anew(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer, how: str
) -> None:
    """While it is away anybody may close it: it is asked, and not commanded if it says open."""
    await add_breaker(peer, current=5)
    obey(peer, current=0)
    assert (await cut(hass))["status"] == "confirmed"
    (latch,) = hass.data[DATA_HOUSE].latches.rows.values()
    milliseconds = latch.milliseconds

    async def come_back() -> None:
        if how == "restart":
            assert await hass.config_entries.async_reload(gateway.entry_id)
        else:
            for online in (False, True):
                status = {"version": 1, "online": online}
                await peer.send(f"{BASE}/status", status, retain=True)
        assert latch.proven is None

    peer.heard.clear()
    await come_back()
    await peer.hears(f"{BASE}/breaker-1/get")
    await peer.state("breaker-1", retain=False, supply=False, current=0)
    await wait_until(hass, lambda: latch.proven is True)
    assert peer.orders == []
    assert latch.milliseconds == milliseconds

    # What is closed by hand meanwhile was back, although it is cut again at once.
    book = hass.data[DATA_HOUSE].book
    peer.answer(f"{BASE}/breaker-1", lambda _message: None)
    await come_back()
    await peer.hears(f"{BASE}/breaker-1/get")
    assert hass.data[DATA_HOUSE].cut_off.is_cutting(latch.supply)
    obey(peer, current=0)
    await peer.state("breaker-1", retain=False, supply=True, current=5)
    assert "refused_to_open" in {row.hazard for row in book.open.values()}
    await wait_until(hass, lambda: latch.proven is True)

    # Nobody knows of one that says nothing: it is told to open, and people are told.
    peer.answer(f"{BASE}/breaker-1", lambda _message: None)
    await come_back()
    await peer.hears(f"{BASE}/breaker-1/set")
    await wait_until(hass, lambda: latch.proven is False)
    assert "refused_to_open" in {row.hazard for row in book.open.values()}
