"""What tests of Frigate have in common."""

import asyncio
from typing import Any

from freezegun.api import FrozenDateTimeFactory, freeze_factories
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.device import SafetyDevice
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.passages import Means, Passage
from custom_components.community_safety.gateways.frigate.gateway import FrigateGateway
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from simulator.frigate import Frigate
from tests.common import Peer, subscribed, wait_until

UID = "mqtt/frigate"


class Sink:
    """Takes passages as an integration that knows people would."""

    def __init__(self, *, takes_faces: bool = True) -> None:
        """Initialize."""
        self.takes_faces = takes_faces
        self.taken: list[Passage] = []
        #: Those who were only seen.
        self.seen: list[Passage] = []
        self.fails = False

    def passed(self, passage: Passage) -> None:
        """Take one."""
        if self.fails:
            raise ValueError(passage.number)
        (self.seen if passage.means is Means.SIGHT else self.taken).append(passage)

    @property
    def told(self) -> list[tuple[str, str, bool]]:
        """Return what was told: by what means, what, and if it was corrected."""
        return [(row.means.value, row.number, row.corrected) for row in self.taken]


def with_sink(hass: HomeAssistant, **more: Any) -> Sink:
    """Let somebody take passages."""
    sink = Sink(**more)
    hass.data[DATA_HOUSE].passages._sinks["test"] = sink  # type: ignore[assignment]
    return sink


def entry_of(frigate: Frigate, **more: Any) -> MockConfigEntry:
    """Return the config entry of a Frigate."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="Frigate",
        unique_id=UID,
        data={"dialect": "frigate", "topic": "frigate", "url": frigate.url, **more},
    )


async def add_frigate(
    hass: HomeAssistant, peer: Peer, frigate: Frigate, **more: Any
) -> MockConfigEntry:
    """Add a gateway of a Frigate, and wait until it was asked for everything."""
    entry = entry_of(frigate, **more)
    entry.add_to_hass(hass)
    await set_up(hass, peer, entry)
    return entry


async def set_up(hass: HomeAssistant, peer: Peer, entry: MockConfigEntry) -> None:
    """Set a gateway up, and wait until it has asked for everything."""
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    task = asyncio.create_task(subscribed(hass))

    def is_subscribed() -> bool:
        # Home Assistant waits a moment before it subscribes.
        freeze_factories[-1].tick(0.01)
        return task.done()

    await wait_until(hass, is_subscribed)
    await task
    await settled(hass, peer, entry)


async def settled(hass: HomeAssistant, peer: Peer, entry: MockConfigEntry) -> None:
    """Wait until all that was told is taken, and nothing is asked any more."""
    await peer.settled()
    gateway = entry.runtime_data
    assert isinstance(gateway, FrigateGateway)
    await wait_until(hass, lambda: not gateway._is_asking)
    await hass.async_block_till_done()


async def pass_time(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    peer: Peer,
    entry: MockConfigEntry,
    seconds: float,
) -> None:
    """Let time go by, a little at a time, once nothing is asked."""
    while seconds > 0:
        await settled(hass, peer, entry)
        freezer.tick(min(seconds, 30))
        async_fire_time_changed(hass)
        seconds -= 30
    await settled(hass, peer, entry)


def device_of(hass: HomeAssistant, camera: str = "gate_in") -> SafetyDevice:
    """Return the device of a camera."""
    found = hass.data[DATA_HOUSE].device(f"{UID}/{camera}")
    assert found
    return found[1]


def faults(hass: HomeAssistant, camera: str = "gate_in") -> set[str]:
    """Return what is wrong with a camera, as its alarms say."""
    book = hass.data[DATA_HOUSE].book
    return {row.hazard for row in book.of_device(f"{UID}/{camera}") if row.present}


def issues(hass: HomeAssistant) -> list[str | None]:
    """Return what repairs there are."""
    return [
        issue.translation_key
        for (domain, _key), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN
    ]


def logged(caplog: pytest.LogCaptureFixture, mark: str) -> list[str]:
    """Return what we have logged with a mark in it."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components") and mark in record.getMessage()
    ]
