"""The blueprint for charging piles."""

import pytest

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import device_registry as dr, entity_registry as er
from tests.common import BASE, Peer, wait_until

from .common import OFFICE, Add, said, titles


@pytest.fixture
async def shed(site: None, peer: Peer) -> None:
    """Set up a charging shed: two piles that obey."""
    for pile in ("pile-1", "pile-2"):
        await peer.config(
            pile,
            "charging_pile",
            ["supply_1", "current_1", "smoke", "test", "session_duration_1"],
            area="Shed 1",
        )
        await peer.state(
            pile,
            supply_1=True,
            current_1=5,
            smoke=False,
            test=False,
            session_duration_1=1,
        )
        peer.obedient_breaker(pile)


@pytest.mark.parametrize(
    ("whole_shed", "where", "count"), [(True, "整个充电棚", 2), (False, "该充电桩", 1)]
)
async def test_pile_smoke(
    hass: HomeAssistant,
    shed: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    whole_shed: bool,
    where: str,
    count: int,
) -> None:
    """Smoke at one pile: the whole shed is cut, or the pile alone."""
    await add(
        "charging_pile_response",
        notify_target=OFFICE,
        language="zh-Hans",
        whole_shed=whole_shed,
    )
    await peer.state("pile-1", smoke=True)
    await wait_until(hass, lambda: len(told) == 2)
    assert titles(told) == ["火灾危险，烟雾：Shed 1", "已断电：Shed 1"]
    assert f"正在切断{where}的电源" in said(told)[0][1]
    assert f"已断电并核实：{count}路" in said(told)[1][1]


async def test_pile_drill_and_a_pile_without_a_shed(
    hass: HomeAssistant, shed: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """A drill announces no cut, and what is in no area is cut alone, and told so."""
    pile = er.async_get(hass).async_get_entity_id(
        "switch", DOMAIN, f"mqtt/{BASE}/pile-2/supply_1"
    )
    assert pile
    device = er.async_get(hass).async_get(pile).device_id
    dr.async_get(hass).async_update_device(device, area_id=None)
    await add(
        "charging_pile_response",
        notify_target=OFFICE,
        watched={"area_id": ["shed_1"], "device_id": [device]},
    )
    await peer.state("pile-1", smoke=True, test=True)
    await wait_until(hass, lambda: len(told) == 2)
    assert "In a fire the power of the whole shed would be cut" in said(told)[0][1]
    await peer.state("pile-2", smoke=True)
    await wait_until(hass, lambda: len(told) == 4)
    assert "The power of the pile is being cut" in said(told)[2][1]
    assert "Cut and proven: 1" in said(told)[3][1]


async def test_pile_that_is_protected(
    hass: HomeAssistant, shed: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """Nobody is told that the power of a pile is being cut that stays on."""
    _, pile = hass.data[DATA_HOUSE].device(f"mqtt/{BASE}/pile-1")
    pile.settings.protected.add("supply_1")
    await add("charging_pile_response", notify_target=OFFICE, whole_shed=False)
    await peer.state("pile-1", smoke=True)
    await wait_until(hass, lambda: len(told) == 2)
    assert said(told)[0][1].endswith(
        "No supply that could be cut is known there. Keep people away from the batteries."
    )
    assert titles(told)[1] == "Nothing to cut: Shed 1"


async def test_pile_session_too_long(
    hass: HomeAssistant, shed: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """A session that lasts too long is told, and cuts nothing."""
    await add("charging_pile_response", notify_target=OFFICE)
    await peer.state("pile-1", session_duration_1=700)
    await wait_until(hass, lambda: len(told) == 1)
    await hass.async_block_till_done()
    assert titles(told) == ["Charging too long: Shed 1"]
