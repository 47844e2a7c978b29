"""A Home Assistant with Zigbee coordinators: ours, its own ZHA, or both of them.

python -m benchmarks.zigbee_house CONFIG_FOLDER
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
import json
from pathlib import Path
import time
from typing import TYPE_CHECKING, Any, override

from custom_components.community_safety.core.alarm import Outcome
from custom_components.community_safety.gateways.zigbee.host.connection import Port
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

from .house import DOMAIN, Command, Watched, run

if TYPE_CHECKING:
    # The libraries are imported when they are measured.
    from custom_components.community_safety.core.house import House
    from custom_components.community_safety.gateways.zigbee.gateway import ZigbeeGateway

ZHA = "zha"
OPEN_SECONDS = 254
QUIET_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a house is started with: where its coordinators are."""

    ours: list[str] = field(default_factory=list)
    zha: str | None = None


class ZigbeeHouse(Watched):
    """One whose devices are reached through coordinators."""

    def __init__(self, hass: HomeAssistant, options: Options) -> None:
        """Initialize."""
        super().__init__(hass)
        self.options = options
        #: Messages of devices that were dealt with, by path of the coordinator.
        self.heard: dict[str, int] = {}
        self.entries: list[ConfigEntry[Any]] = []
        self.before: dict[str, Any] = {}
        self.first_seconds = 0.0

    @override
    async def start(self) -> None:
        """Set the coordinators up, all at the same time."""
        await super().start()
        self.hass.bus.async_listen("community_safety_alarm", self._alarm)
        self.hass.bus.async_listen("state_changed", self._smoke)
        options = self.options
        self.before = self.memory()
        began = time.monotonic()
        wanted = [self._add(Port(path=path)) for path in options.ours]
        if options.zha:
            data = {"device": Port(path=options.zha).as_dict(), "radio_type": "ezsp"}
            wanted.append(self.add_entry(ZHA, "benchmark", data, {}))
        self.entries = await asyncio.gather(*wanted)
        self.first_seconds = time.monotonic() - began
        if options.zha:
            # On a network that it has just formed, bellows deals with every message
            # twice, until it connects again. That would be no peer.
            await self.reload()
        else:
            self._listen()

    async def _add(self, port: Port) -> ConfigEntry[Any]:
        """Add a gateway as the config flow does, with a network if there is none yet."""
        # It imports the libraries, which are measured.
        from custom_components.community_safety.gateways.zigbee.host.forming import (  # noqa: PLC0415
            async_form,
            async_probe,
        )

        found = await async_probe(port)
        network = found.unique_id or (await async_form(port)).unique_id
        return await self.add_entry(
            DOMAIN,
            f"zigbee/{port.path}",
            {"dialect": "zigbee", "network": network, **port.as_dict()},
            {},
        )

    @property
    @override
    def commands(self) -> dict[str, Command]:
        return super().commands | {
            "first": lambda: {"seconds": self.first_seconds, **self.before},
            "permit": self.permit,
            "automate": self.automate,
            "restore": self.restore,
            "settle": self.settle,
            "reload": self.reload,
        }

    @override
    def counts(self) -> dict[str, Any]:
        """Return what has happened until now."""
        return {
            **super().counts(),
            "heard": self.heard,
            "devices": sum(len(ours.devices) for ours in self._ours()) + self._of_zha(),
        }

    def _ours(self) -> Iterator[ZigbeeGateway]:
        for entry in self.entries:
            if entry.domain == DOMAIN and entry.state is ConfigEntryState.LOADED:
                yield entry.runtime_data

    def _zha(self) -> Any:
        from homeassistant.components.zha.helpers import get_zha_gateway  # noqa: PLC0415

        return get_zha_gateway(self.hass)

    def _of_zha(self) -> int:
        """Return how many devices of ZHA are ready."""
        if not self.options.zha:
            return 0
        registry = er.async_get(self.hass)
        return len(
            {
                entity.device_id
                for entry in self.entries
                if entry.domain == ZHA
                for entity in er.async_entries_for_config_entry(
                    registry, entry.entry_id
                )
                # The last entity that each of the models gets.
                if entity.domain == "switch" or entity.original_device_class == "smoke"
            }
        )

    def _applications(self) -> Iterator[tuple[str, Any]]:
        """Walk over zigpy's applications, by path."""
        for ours in self._ours():
            yield ours.entry.data["path"], ours.radio.app
        if self.options.zha:
            yield self.options.zha, self._zha().application_controller

    def _listen(self) -> None:
        """Count what comes from devices once it was dealt with, the same for all."""
        for path, app in self._applications():
            app.packet_received = self._counting(path, app.packet_received)

    def _counting(
        self, path: str, receive: Callable[[Any], None]
    ) -> Callable[[Any], None]:
        self.heard.setdefault(path, 0)

        def received(packet: Any) -> None:
            receive(packet)
            self.heard[path] += 1

        return received

    async def permit(self) -> dict[str, Any]:
        """Open every network."""
        for ours in self._ours():
            await ours.async_permit(OPEN_SECONDS)
        if self.options.zha:
            await self.hass.services.async_call(
                ZHA, "permit", {"duration": OPEN_SECONDS}, blocking=True
            )
        return {"seconds": OPEN_SECONDS}

    # Fire, and what it sets off

    @callback
    def _alarm(self, event: Event[Any]) -> None:
        """Note when one of our alarms was raised, which is when it was on disk."""
        if event.data["type"] == "raised" and event.data["hazard"] == "smoke":
            self._note(event.data["device_id"])

    @callback
    def _smoke(self, event: Event[Any]) -> None:
        """Note when one of ZHA's sensors went on."""
        entity_id, new = event.data["entity_id"], event.data["new_state"]
        if (
            self.options.zha
            and entity_id.startswith("binary_sensor.")
            and new is not None
            and new.state == "on"
            and (entity := er.async_get(self.hass).async_get(entity_id))
            and entity.platform == ZHA
        ):
            self._note(entity.device_id)

    def _note(self, device_id: str | None) -> None:
        now = time.monotonic()
        device = dr.async_get(self.hass).async_get(device_id or "")
        if device:
            self.stamps += [(address, now) for _domain, address in device.identifiers]

    async def automate(self, pairs: list[list[str]]) -> dict[str, Any]:
        """Let the smoke of each first device cut the power of the second one."""
        automations = []
        for smoke, breaker in pairs:
            sensor = self._entity(smoke, "binary_sensor", "smoke")
            switch = self._entity(breaker, "switch")
            if switch.platform == DOMAIN:
                trigger: dict[str, Any] = {
                    "trigger": "community_safety.alarm_raised",
                    "target": {"device_id": sensor.device_id},
                    "options": {"hazard": ["smoke"]},
                }
                action = {
                    "action": "community_safety.cut_off",
                    "target": {"entity_id": switch.entity_id},
                    "data": {"alarm_id": "{{ trigger.alarm_id }}"},
                }
            else:
                trigger = {
                    "trigger": "state",
                    "entity_id": sensor.entity_id,
                    "to": "on",
                }
                action = {
                    "action": "switch.turn_off",
                    "target": {"entity_id": switch.entity_id},
                }
            automations.append(
                {
                    "alias": f"Fire at {smoke}",
                    "mode": "parallel",
                    "triggers": [trigger],
                    "actions": [action],
                }
            )
        path = Path(self.hass.config.path("configuration.yaml"))

        def write() -> None:
            configuration = json.loads(path.read_bytes()) | {"automation": automations}
            path.write_text(json.dumps(configuration))

        await self.hass.async_add_executor_job(write)
        await self.hass.services.async_call("automation", "reload", blocking=True)
        return {"automations": len(self.hass.states.async_all("automation"))}

    def _entity(
        self, address: str, domain: str, device_class: str | None = None
    ) -> er.RegistryEntry:
        """Return the one entity of a device that is for daily use."""
        registry = dr.async_get(self.hass)
        (device,) = (
            device
            for device in registry.devices
            if any(item[1].endswith(address) for item in device.identifiers)
        )
        return next(
            entity
            for entity in er.async_entries_for_device(
                er.async_get(self.hass), device.id
            )
            if entity.domain == domain
            and entity.entity_category is None
            and device_class in {None, entity.original_device_class}
        )

    async def restore(self, pairs: list[list[str]]) -> dict[str, Any]:
        """Switch on again what fires have cut; return by pair if it was proven to be off."""
        of_zha = [
            self._entity(breaker, "switch").platform == ZHA for _, breaker in pairs
        ]
        if not all(of_zha):
            await self._calm()
        return {
            "proven": await asyncio.gather(
                *(
                    self._restore_zha(breaker)
                    if is_zha
                    else self._restore_ours(smoke, breaker)
                    for is_zha, (smoke, breaker) in zip(of_zha, pairs, strict=True)
                )
            )
        }

    async def _restore_zha(self, breaker: str) -> bool:
        entity_id = self._entity(breaker, "switch").entity_id
        state = self.hass.states.get(entity_id)
        await self.hass.services.async_call(
            "switch", "turn_on", {"entity_id": entity_id}, blocking=True
        )
        return state is not None and state.state == "off"

    @property
    def _house(self) -> House:
        from custom_components.community_safety.core.house import DATA_HOUSE  # noqa: PLC0415

        return self.hass.data[DATA_HOUSE]

    async def _calm(self) -> None:
        """Wait until no cut-off is under way, and no alarm of ours present."""
        house = self._house
        async with asyncio.timeout(QUIET_SECONDS):
            while house.cut_off._running or any(  # noqa: ASYNC110, SLF001
                alarm.present for alarm in house.book.open.values()
            ):
                await asyncio.sleep(0.01)

    async def _restore_ours(self, smoke: str, breaker: str) -> bool:
        house = self._house
        (gateway,) = (row for row in self._ours() if breaker in row.devices)
        supplies = house.cut_off.supplies_of(gateway.devices[breaker].uid)
        latches = [house.cut_off.latches.get(item.id) for item in supplies]
        if any(latches):
            await house.cut_off.async_restore(supplies, who="benchmark")
        for alarm in house.book.of_device(gateway.devices[smoke].uid):
            house.book.reset(alarm, "benchmark", outcome=Outcome.REAL)
        return all(latch and latch.proven for latch in latches)

    # Life

    async def settle(self) -> dict[str, Any]:
        """Wait until the databases of zigpy have all; return the counts of then."""
        for _path, app in self._applications():
            database = app._dblistener  # noqa: SLF001
            if hasattr(database, "save"):
                # Ours is written behind: that is part of the costs.
                database.save()
            async with asyncio.timeout(QUIET_SECONDS):
                await database._callback_handlers.join()  # noqa: SLF001
        return self.counts()

    async def reload(self) -> dict[str, Any]:
        """Close every coordinator, then start all at once; return the seconds of that."""
        manager = self.hass.config_entries
        await asyncio.gather(
            *(manager.async_unload(row.entry_id) for row in self.entries)
        )
        began = time.monotonic()
        await asyncio.gather(
            *(manager.async_setup(row.entry_id) for row in self.entries)
        )
        seconds = time.monotonic() - began
        for entry in self.entries:
            if entry.state is not ConfigEntryState.LOADED:
                raise RuntimeError(f"{entry.title}: {entry.state}, {entry.reason}")
        await self.hass.async_block_till_done()
        self._listen()
        return {"seconds": seconds, **self.counts()}


if __name__ == "__main__":
    run(lambda hass, options: ZigbeeHouse(hass, Options(**options)))
