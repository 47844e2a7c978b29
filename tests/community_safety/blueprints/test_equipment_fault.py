"""The blueprint for faults of equipment."""

from freezegun.api import FrozenDateTimeFactory
import pytest

from homeassistant.core import HomeAssistant, ServiceCall
from tests.common import Peer

from .common import OFFICE, Add, local, pass_time, said, titles


@pytest.fixture
async def sensors(site: None, peer: Peer) -> None:
    """Set up three smoke sensors with batteries."""
    for number in (1, 2, 3):
        await peer.config(
            f"smoke-{number}",
            "smoke_sensor",
            ["smoke", "battery", "tamper"],
            area=f"1-1-20{number}",
        )
        await peer.state(f"smoke-{number}", smoke=False, battery=90, tamper=False)


async def test_fault_report(
    hass: HomeAssistant,
    sensors: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Faults are collected quietly, and told once a day until they are repaired."""
    await add(
        "equipment_fault", notify_target=OFFICE, report_time="10:00:00", most_lines=2
    )
    for sensor in ("smoke-1", "smoke-2", "smoke-3"):
        await peer.state(sensor, battery=5)
    await hass.async_block_till_done()
    assert told == []
    freezer.move_to(local("10:00:00"))
    await pass_time(hass, freezer, seconds=0.1)
    assert said(told) == [
        (
            "Equipment faults: 3",
            (
                "Equipment faults: 3\n"
                "1-1-201, Smoke 1: low battery, since 03-02 09:45\n"
                "1-1-202, Smoke 2: low battery, since 03-02 09:45\n"
                "and 1 more"
            ),
        )
    ]
    for sensor in ("smoke-1", "smoke-2", "smoke-3"):
        await peer.state(sensor, battery=90)
    freezer.move_to(local("10:00:00", day=3))
    await pass_time(hass, freezer, seconds=0.1)
    assert titles(told)[1:] == []


@pytest.mark.parametrize(
    ("daytime_only", "time", "count"),
    [(False, "23:00:00", 1), (True, "23:00:00", 0), (True, "12:00:00", 1)],
)
async def test_fault_that_cannot_wait(
    hass: HomeAssistant,
    sensors: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
    daytime_only: bool,
    time: str,
    count: int,
) -> None:
    """What cannot wait is told at once, at night only if it may."""
    await add(
        "equipment_fault",
        notify_target=OFFICE,
        language="zh-Hant",
        daytime_only=daytime_only,
    )
    freezer.move_to(local(time))
    await peer.state("smoke-1", tamper=True)
    await hass.async_block_till_done()
    assert titles(told) == ["故障，防拆警報：1-1-201"] * count
