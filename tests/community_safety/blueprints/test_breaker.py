"""The blueprint for breakers."""

import re

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.core import HomeAssistant, ServiceCall
from tests.common import BASE, Peer, wait_until

from .common import OFFICE, Add, breaker, pass_time, report, said, supply, titles, until


async def test_breaker_warning(
    hass: HomeAssistant, home: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """A warning is told, and nothing is cut."""
    await add("breaker_response", notify_target=OFFICE, language="zh-Hans")
    await peer.state("breaker-1", residual_current=20)
    await wait_until(hass, lambda: len(told) == 1)
    await hass.async_block_till_done()
    assert said(told) == [
        (
            "预警，剩余电流超限：1-1-201",
            "预警，剩余电流超限：1-1-201。09:45:00，Breaker 1。请于今日内安排检查。",
        )
    ]
    assert supply(hass, "breaker-1") == "on"


@pytest.mark.parametrize(("whole_area", "other"), [(False, "on"), (True, "off")])
async def test_breaker_alarm(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    whole_area: bool,
    other: str,
) -> None:
    """At severity alarm the breaker cuts by itself; the rest of the area if asked for."""
    await breaker(peer, "breaker-2", "1-1-201")
    await add("breaker_response", notify_target=OFFICE, whole_area=whole_area)
    await peer.state("breaker-1", residual_current=60)
    await wait_until(hass, lambda: len(told) == 2)
    assert titles(told) == ["ALARM, Leakage current: 1-1-201", "Power is off: 1-1-201"]
    assert supply(hass, "breaker-1") == "off"
    assert supply(hass, "breaker-2") == other


async def test_breaker_that_is_protected(
    hass: HomeAssistant, home: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """What stays on is not told to be off, nor that it is being cut."""
    _, device = hass.data[DATA_HOUSE].device(f"mqtt/{BASE}/breaker-1")
    device.settings.protected.add("supply")
    await add("breaker_response", notify_target=OFFICE)
    await peer.state("breaker-1", residual_current=60)
    await wait_until(hass, lambda: len(told) == 2)
    assert said(told)[0][1].endswith("No supply that could be cut is known there.")
    assert said(told)[1] == (
        "Nothing to cut: 1-1-201",
        (
            "Nothing to cut: 1-1-201. No supply that could be cut was found."
            " Left on because protected: 1."
        ),
    )


async def test_a_meter_that_cannot_cut(
    hass: HomeAssistant, home: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """Where there is no relay nobody is told that the power is being cut."""
    await peer.config("meter", "breaker_monitor", ["residual_current"], area="1-1-301")
    await add("breaker_response", notify_target=OFFICE, language="zh-Hans")
    await peer.state("meter", residual_current=900)
    await wait_until(hass, lambda: len(told) == 2)
    assert said(told)[0][1].endswith("该处没有已知的可切断电源。")
    assert titles(told)[1] == "无可切断的电源：1-1-301"


async def test_breaker_that_does_not_open(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    phone: str,
    pushed: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """What is not proven is said, and an electrician is called for, loudly."""
    peer.answer(f"{BASE}/breaker-1", lambda _message: None)
    await add("breaker_response", notify_target=OFFICE, phones=[phone])
    report(peer, "breaker-1", residual_current=60)
    await peer.hears(f"{BASE}/breaker-1/set")
    await pass_time(hass, freezer, seconds=11)
    await until(lambda: len(told) == 3)
    texts = dict(said(told))
    assert set(texts) == {
        "ALARM, Leakage current: 1-1-201",
        "POWER MAY BE ON: 1-1-201",
        "CUT-OFF FAILED: 1-1-201",
    }
    assert "call an electrician now" in texts["CUT-OFF FAILED: 1-1-201"]
    assert re.search(
        "NOT PROVEN, do not touch: .*Breaker 1", texts["POWER MAY BE ON: 1-1-201"]
    )
    assert {call.data["data"]["push"]["sound"]["critical"] for call in pushed} == {1}


async def test_breaker_hazards_chosen(
    hass: HomeAssistant, home: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """Only the chosen hazards are told, and none means none."""
    await add("breaker_response", notify_target=OFFICE, hazards=[])
    await peer.state("breaker-1", residual_current=20)
    await hass.async_block_till_done()
    assert told == []
