"""An integration of breakers, as honest, as hopeful and as lazy as integrations are."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from datetime import timedelta
import logging
from typing import Any, override

from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    MockPlatform,
    mock_integration,
    mock_platform,
)

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity
from homeassistant.components.switch import SwitchEntity
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import UnitOfElectricCurrent
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.update_coordinator import (
    CoordinatorEntity,
    DataUpdateCoordinator,
    UpdateFailed,
)

DOMAIN = "relays"
LOGGER = logging.getLogger(__name__)


class Breaker:
    """A real breaker: a contact, what flows through it, and whether it obeys."""

    def __init__(self, hass: HomeAssistant, load: float = 10.0) -> None:
        """Initialize as closed."""
        self.hass = hass
        self.closed = True
        self.load = load
        self.obeys = True
        #: So many commands get lost on their way.
        self.deaf = 0
        #: If it can be read, and how long that takes.
        self.answers = True
        self.slowness = 0.0
        #: If its integration tells nothing but news.
        self.is_terse = False
        self.commands: list[bool] = []
        self.error: Exception | None = None
        self.on_change: list[Callable[[], None]] = []

    @property
    def amperes(self) -> float:
        """Return what its meter shows."""
        return self.load if self.closed else 0.0

    def command(self, closed: bool) -> None:
        """Take a command. Raises what the connection raises."""
        if self.error:
            raise self.error
        self.commands.append(closed)
        if self.deaf:
            self.deaf -= 1
        elif self.obeys:
            self.closed = closed
        self.report()

    def report(self) -> None:
        """Tell how it is, over a connection that knows of no command."""
        for listener in self.on_change:
            self.hass.loop.call_soon(listener, context=Context())


class _Part(Entity):
    _attr_should_poll = False
    _attr_has_entity_name = True

    def __init__(self, breaker: Breaker, unique_id: str) -> None:
        """Initialize."""
        self.breaker = breaker
        self._attr_unique_id = unique_id
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, "breaker")}, name="Breaker"
        )

    def read(self) -> None:
        """Take how the breaker is."""


class Relay(_Part, SwitchEntity):
    """Shows what the breaker has told."""

    _attr_name = None

    @override
    def read(self) -> None:
        self._attr_is_on = self.breaker.closed

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        await self.async_order(True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        await self.async_order(False)

    async def async_order(self, closed: bool) -> None:
        """Send a command."""
        self.breaker.command(closed)


class HopefulRelay(Relay):
    """Shows at once what it has sent, whether the breaker obeys or not."""

    @override
    async def async_order(self, closed: bool) -> None:
        await super().async_order(closed)
        self._attr_is_on = closed
        self.async_write_ha_state()


class ThreadedRelay(Relay):
    """Hopes in a thread, as those that were written before there were coroutines."""

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        await SwitchEntity.async_turn_off(self, **kwargs)

    @override
    def turn_off(self, **kwargs: Any) -> None:
        self.hass.loop.call_soon_threadsafe(self.breaker.command, False)
        self._attr_is_on = False
        self.schedule_update_ha_state()


class DetouredRelay(Relay):
    """Hears its hope from a server beside it, on the way on which reports come."""

    def take(self, closed: bool) -> None:
        """Take what the server says."""
        self._attr_is_on = closed
        self.async_write_ha_state()

    @override
    async def async_order(self, closed: bool) -> None:
        await super().async_order(closed)
        self.hass.loop.call_soon(self.take, closed, context=Context())


class ForgetfulRelay(HopefulRelay):
    """Begins with what its class begins with."""

    @override
    def read(self) -> None:
        self._attr_is_on = False


class PolledRelay(HopefulRelay):
    """Hopes as well, and reads the breaker when it is asked to.

    It keeps to itself that nobody has answered.
    """

    async def async_update(self) -> None:
        """Read the breaker."""
        if self.breaker.answers:
            self.read()


class Meter(_Part, SensorEntity):
    """Shows the current."""

    _attr_name = "Current"
    _attr_device_class = SensorDeviceClass.CURRENT
    _attr_native_unit_of_measurement = UnitOfElectricCurrent.AMPERE

    @override
    def read(self) -> None:
        self._attr_native_value = self.breaker.amperes


class PolledMeter(Meter):
    """Reads the breaker when it is asked to, and keeps to itself that it cannot."""

    async def async_update(self) -> None:
        """Read the breaker."""
        if self.breaker.answers:
            self.read()


class FailingMeter(PolledMeter):
    """Stumbles over what it has read once the breaker was told something."""

    @property
    @override
    def native_value(self) -> float:
        if self.breaker.commands:
            raise ValueError("a mistake of the integration")
        return self.breaker.amperes


class Coordinator(DataUpdateCoordinator[tuple[bool, float]]):
    """Reads relay and meter together, and what it remembers when it is asked again soon."""

    def __init__(self, breaker: Breaker, entry: ConfigEntry) -> None:
        """Initialize."""
        super().__init__(
            breaker.hass,
            LOGGER,
            config_entry=entry,
            name=DOMAIN,
            update_interval=timedelta(hours=1),
            always_update=not breaker.is_terse,
        )
        self.breaker = breaker

    @override
    async def _async_update_data(self) -> tuple[bool, float]:
        await asyncio.sleep(self.breaker.slowness)
        if not self.breaker.answers:
            raise UpdateFailed("no answer")
        return self.breaker.closed, self.breaker.amperes


class CoordinatedRelay(CoordinatorEntity[Coordinator], HopefulRelay):
    """A relay of a coordinator."""

    def __init__(self, coordinator: Coordinator) -> None:
        """Initialize."""
        CoordinatorEntity.__init__(self, coordinator)
        HopefulRelay.__init__(self, coordinator.breaker, "relay")

    @override
    def _handle_coordinator_update(self) -> None:
        self._attr_is_on = self.coordinator.data[0]
        super()._handle_coordinator_update()


class CoordinatedMeter(CoordinatorEntity[Coordinator], Meter):
    """A meter of a coordinator."""

    def __init__(self, coordinator: Coordinator) -> None:
        """Initialize."""
        CoordinatorEntity.__init__(self, coordinator)
        Meter.__init__(self, coordinator.breaker, "meter")

    @override
    def _handle_coordinator_update(self) -> None:
        self._attr_native_value = self.coordinator.data[1]
        super()._handle_coordinator_update()


class RelayError(HomeAssistantError):
    """What an integration says when a command does not get through."""


async def set_up(
    hass: HomeAssistant,
    breaker: Breaker,
    iot_class: str,
    relay: type[Relay] = Relay,
    meter: type[Meter] = Meter,
) -> MockConfigEntry:
    """Set the integration up, with one breaker."""
    entities: dict[str, list[Entity]] = {}

    async def setup_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
        if relay is CoordinatedRelay:
            coordinator = Coordinator(breaker, entry)
            await coordinator.async_refresh()
            parts: list[Any] = [
                CoordinatedRelay(coordinator),
                CoordinatedMeter(coordinator),
            ]
        else:
            parts = [relay(breaker, "relay"), meter(breaker, "meter")]
        for part in parts:
            part.read()
        entities.update(switch=parts[:1], sensor=parts[1:])
        await hass.config_entries.async_forward_entry_setups(
            entry, ["switch", "sensor"]
        )
        if iot_class.endswith("push"):
            breaker.on_change = [
                lambda part=part: (part.read(), part.async_write_ha_state())  # type: ignore[misc]
                for part in parts
            ]
        return True

    async def unload_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
        breaker.on_change = []
        return await hass.config_entries.async_unload_platforms(
            entry, ["switch", "sensor"]
        )

    mock_integration(
        hass,
        MockModule(
            DOMAIN,
            async_setup_entry=setup_entry,
            async_unload_entry=unload_entry,
            partial_manifest={"iot_class": iot_class},
        ),
        # Home Assistant's own may return nothing from 2026.11, and must return True before.
        built_in=False,
    )
    for platform in ("switch", "sensor"):

        async def add(
            _hass: HomeAssistant,
            _entry: ConfigEntry,
            async_add_entities: Any,
            platform: str = platform,
        ) -> None:
            async_add_entities(entities[platform])

        mock_platform(hass, f"{DOMAIN}.{platform}", MockPlatform(async_setup_entry=add))
    mock_platform(hass, f"{DOMAIN}.config_flow")
    entry = MockConfigEntry(domain=DOMAIN)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry
