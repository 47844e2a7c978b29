"""The blueprint for tanks and hydrants."""

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.util import dt as dt_util
from tests.common import Peer, wait_until

from .common import OFFICE, Add, local, pass_time, said, titles


@pytest.fixture
async def tank(site: None, peer: Peer) -> None:
    """Set up a full tank on the roof."""
    await peer.config("tank-1", "water_tank", ["level"], area="Roof")
    await peer.state("tank-1", level=60)


async def test_water(
    hass: HomeAssistant, tank: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """Low, then too low, then all is well: three messages."""
    await add("water_supply", notify_target=OFFICE, language="zh-Hans")
    for level in (45, 40, 19, 40, 55):
        await peer.state("tank-1", level=level)
    await wait_until(hass, lambda: len(told) == 3)
    assert titles(told) == [
        "预警，液位过低：Roof",
        "报警，液位过低：Roof",
        "已恢复，液位过低：Roof",
    ]
    assert said(told)[1][1] == (
        "报警，液位过低：Roof。09:45:00，Tank 1。消防用水可能不足，请补水并检查是否泄漏。"
    )


async def test_water_reminder(
    hass: HomeAssistant,
    tank: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """One reminder for all that is open, every so many hours, a limited number."""
    await add("water_supply", notify_target=OFFICE, every_hours=4, most_reminders=2)
    await peer.config("hydrant-1", "hydrant", ["pressure"], area="Stairs 1")
    await peer.state("hydrant-1", pressure=50)
    await peer.state("tank-1", level=45)
    await wait_until(hass, lambda: len(told) == 2)
    told.clear()
    # Every full hour, until 06:00 of the next day
    freezer.move_to(local("09:59:59"))
    reminded = []
    for _hour in range(21):
        await pass_time(hass, freezer, seconds=1)
        reminded.append(len(told))
        await pass_time(hass, freezer, seconds=3599)
    assert len(told) == 2
    assert [reminded.index(1) + 10, reminded.index(2) + 10] == [14, 18]
    assert said(told)[0] == (
        "Fire water, still open: 2",
        (
            "Fire water, still open: 2\n"
            "Stairs 1, Hydrant 1: Water pressure low, for 4 h\n"
            "Roof, Tank 1: Water level low, for 4 h"
        ),
    )


async def test_water_reminder_ends(
    hass: HomeAssistant,
    tank: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Who has acknowledged is not reminded, if that was chosen; nor of what is over."""
    await add(
        "water_supply", notify_target=OFFICE, every_hours=1, until_acknowledged=True
    )
    await peer.config("hydrant-1", "hydrant", ["pressure"], area="Stairs 1")
    await peer.state("hydrant-1", pressure=50)
    await peer.state("tank-1", level=45)
    await peer.state("tank-1", level=55)
    book = hass.data[DATA_HOUSE].book
    (alarm,) = book.open.values()
    book.acknowledge(alarm, "somebody")
    await wait_until(hass, lambda: len(told) == 3)
    for _hour in range(3):
        freezer.move_to(dt_util.now().replace(minute=59, second=59))
        await pass_time(hass, freezer, seconds=1)
    assert len(told) == 3
