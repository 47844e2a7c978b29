"""A Frigate on the loopback address and on the real broker, and a gateway that has it."""

from collections.abc import AsyncGenerator

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from simulator.frigate import Frigate
from tests.common import Peer

from .common import add_frigate


@pytest.fixture
async def frigate(
    hass: HomeAssistant,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
    socket_enabled: None,
) -> AsyncGenerator[Frigate]:
    """Return a Frigate that goes by Home Assistant's clock, and has kept enough."""
    found = Frigate(
        lambda topic, payload, retain: peer.publish(topic, payload, retain=retain),
        clock=dt_util.utcnow,
    )
    await found.start()
    found.keep("gate_in", 40)
    found.announce()
    await peer.settled()
    yield found
    await found.stop()


@pytest.fixture
async def entry(hass: HomeAssistant, peer: Peer, frigate: Frigate) -> MockConfigEntry:
    """Return a gateway with the Frigate, which was heard."""
    return await add_frigate(hass, peer, frigate)
