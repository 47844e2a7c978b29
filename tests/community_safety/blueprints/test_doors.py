"""The blueprint of the doors."""

import pytest

from homeassistant.core import HomeAssistant, ServiceCall
from tests.common import Peer, wait_until

from .common import OFFICE, Add, said, titles


@pytest.mark.usefixtures("site")
async def test_forced_and_shut_again(
    hass: HomeAssistant, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """What happened at which door, what to do, and that it is over."""
    await add("door_response", notify_target=OFFICE, language="zh-Hans")
    await peer.config(
        "door-1", "door_controller", ["locked_1", "door_forced_1"], area="Hall 1"
    )
    await peer.state("door-1", locked_1=True, door_forced_1=False)
    await peer.state("door-1", door_forced_1=True)
    await wait_until(hass, lambda: len(told) == 1)
    await peer.state("door-1", door_forced_1=False)
    await wait_until(hass, lambda: len(told) == 2)
    assert titles(told) == [
        "预警，门被强行打开：Hall 1",
        "已恢复，门被强行打开：Hall 1",
    ]
    assert "切勿单独前往" in said(told)[0][1]
