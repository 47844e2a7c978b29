"""Simulated coordinators and hosts for them. Home Assistant itself is not needed here."""

from collections.abc import AsyncGenerator

import pytest

from simulator.ezsp import EzspSimulator

from .bellows_host import BellowsHost
from .raw_host import RawHost


@pytest.fixture(autouse=True)
def _custom_integrations() -> None:
    """Do without Home Assistant, which all other tests have."""


@pytest.fixture(autouse=True)
def _own_folder() -> None:
    """Do without Home Assistant's configuration folder."""


@pytest.fixture(autouse=True)
def _sockets(socket_enabled: None) -> None:
    """Let everything here talk over sockets."""


@pytest.fixture
def expected_lingering_timers() -> bool:
    """Physical devices have timers: mechanisms, self-tests."""
    return True


@pytest.fixture
def ezsp_version() -> int:
    """Return the version of the co-processor; tests may parametrise it."""
    return 14


@pytest.fixture
async def simulator(ezsp_version: int) -> AsyncGenerator[EzspSimulator]:
    """Return a coordinator without a network."""
    async with EzspSimulator(ezsp_version) as simulator:
        yield simulator


@pytest.fixture
async def raw(simulator: EzspSimulator) -> AsyncGenerator[RawHost]:
    """Return a host that sends what a test wants."""
    host = RawHost()
    await host.connect(simulator.port)
    yield host
    host.close()


@pytest.fixture
async def host(simulator: EzspSimulator) -> AsyncGenerator[BellowsHost]:
    """Return bellows with a network that is open for joining."""
    host = BellowsHost(simulator)
    await host.start()
    await host.app.permit(60)
    yield host
    await host.stop()


@pytest.fixture
def expected_lingering_tasks() -> bool:
    """Hosts leave tasks behind: answers to what came last, watchdogs."""
    return True
