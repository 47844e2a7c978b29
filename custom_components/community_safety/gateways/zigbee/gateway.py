"""A Zigbee coordinator as a gateway: its devices, its commands, its network."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, override

from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.event import async_track_time_interval

from ...catalogue import CHOOSABLE_KINDS
from ...catalogue.measurements import RADIO, Value
from ...const import DOMAIN, LOGGER, Severity
from ...core.device import DERIVED, DeviceDescription, SafetyDevice
from ...core.supervision import ASK_EVERY, to_ask
from ..base import NO_KIND, NOT_ENROLLED, NOT_INTERVIEWED, CommandError, Problem
from ..joining import Joining
from .host.backups import network_backups
from .host.connection import CONF_NETWORK
from .host.link import LinkedGateway
from .host.network import NetworkInfo

if TYPE_CHECKING:
    from zha.zigbee.device import Device
    from zigpy.types import ZigbeePacket

    from .devices.node import Node
    from .devices.profile import Profile
    from .host import radio as library

COUNT_EVERY = timedelta(seconds=30)

#: Seconds until a device is taken again whose entry in the registry was deleted.
AGAIN_SECONDS = 1.0

type JoinListener = Callable[[str, str], None]


def _model(device: Device) -> str:
    return f"{device.manufacturer} {device.model}"


class ZigbeeGateway(LinkedGateway):
    """One coordinator with its network. It follows the library, and survives the radio."""

    manufacturer = "Zigbee"
    joining: Joining
    points = frozenset({*RADIO, "trouble"})
    choosable_kinds = CHOOSABLE_KINDS

    def __init__(self, *args: Any) -> None:
        """Initialize."""
        super().__init__(*args)
        self._nodes: dict[str, Node] = {}
        #: Devices that are none of ours, with their names.
        self.ignored: dict[str, str] = {}
        #: Devices that a person is removing.
        self._removing: set[str] = set()
        self._join_listeners: list[JoinListener] = []
        self.joining = Joining(self)

    @override
    async def async_start(self) -> None:
        await super().async_start()
        self.on_unload(
            async_track_time_interval(
                self.hass, self._ask_silent, ASK_EVERY, name="zigbee silent devices"
            ),
            async_track_time_interval(
                self.hass, self._count, COUNT_EVERY, name="zigbee counters"
            ),
        )

    @override
    def take_radio(self, radio: library.Radio) -> None:
        self._describe()
        for device in radio.devices:
            self.device_ready(device)
        for device_id in self.missing:
            # It left while Home Assistant was not running.
            self.set_online(self.devices[device_id], False)
        radio.listen()
        self.set_connected(True)
        for node in self._nodes.values():
            if not node.is_sleepy:
                node.verify()

    @override
    def drop_radio(self) -> None:
        for node in self._nodes.values():
            node.unbind()
        self._nodes.clear()

    def _describe(self) -> None:
        network = self.network
        self.describe(
            DeviceDescription(
                id="",
                kind="gateway",
                name=self.entry.title,
                points=self.points,
                manufacturer=network.manufacturer or self.manufacturer,
                model=network.model,
                firmware=network.firmware,
                serial=network.ieee,
            )
        )

    # Devices

    @callback
    def device_ready(self, device: Device) -> None:
        """Take a device that was loaded, has joined, or was interviewed anew."""
        self._take_device(device)

    def _take_device(self, device: Device, *, by_person: bool = False) -> None:
        """Take a device as it is now; a person may have chosen its kind."""
        device_id = str(device.ieee)
        try:
            self._bind(device_id, device, by_person)
        finally:
            node = self._nodes.get(device_id)
            self._library.spare_entities(device, node.profile.entities if node else ())

    def _bind(self, device_id: str, device: Device, by_person: bool) -> None:
        settings = self.house.settings_of(f"{self.uid}/{device_id}")
        if node := self._nodes.pop(device_id, None):
            node.unbind()
        profile = self._library.compile_device(device, settings.kind)
        known = self.devices.get(device_id)
        if (
            known
            and not by_person
            and (
                self._is_other(known, device, profile)
                or self._is_replaced(known, profile)
            )
        ):
            # Nothing but a person ends what is open: the device that it was is missing.
            self.missing.add(device_id)
            self.set_online(known, False)
            self._add_problem("device_replaced", device_id, device.name, _model(device))
            self.device_progress(device_id, "ignored")
            return
        if profile is None:
            self.ignored[device_id] = device.name
            if known is not None:
                self.missing.add(device_id)
                self.set_online(known, False)
            if (
                settings.kind != self._library.NONE
                and self._library.may_speak_of_danger(device)
            ):
                self._add_problem(NO_KIND, device_id, device.name, _model(device))
            else:
                self.end_problem(device_id=device_id)
            self.device_progress(device_id, "ignored")
            return
        self.end_problem(device_id=device_id)
        self.ignored.pop(device_id, None)
        house = self.add_device(
            DeviceDescription(
                id=device_id,
                kind=profile.kind,
                name=device.name,
                points=profile.points,
                commands=frozenset(profile.commands),
                manufacturer=device.manufacturer,
                model=device.model,
                firmware=device.firmware_version,
                serial=device_id,
                power=profile.power,
            )
        )
        node = self._library.Node(self._radio, device, profile, house, self)
        self._nodes[device_id] = node
        node.bind()
        node.remember()
        if self.connected:
            self.set_online(house, True)
            node.verify()
        elif node.tells_nobody and self.house.book.present(house.uid, "sensor_fault"):
            # It was found out in an earlier run, and one that sleeps may be heard in a day only.
            self.zones_asked(device_id, False)
        self.device_progress(device_id, "ready")

    def _is_other(
        self, known: SafetyDevice, device: Device, profile: Profile | None
    ) -> bool:
        """Return if another make or model has come back, which does not do what it did."""
        before = known.description
        return (
            None not in (before.model, device.model)
            and (before.manufacturer, before.model)
            != (device.manufacturer, device.model)
            and (
                profile is None
                or profile.kind != known.kind.key
                or not before.points <= profile.points
            )
        )

    def _is_replaced(self, known: SafetyDevice, profile: Profile | None) -> bool:
        """Return if a device has come back without what its open alarms and cuts are of."""
        needed = [
            {latch.key}
            for latch in self.house.cut_off.latches.values()
            if latch.device == known.uid
        ]
        needed += [
            keys
            for alarm in self.house.book.of_device(known.uid)
            if alarm.severity is not Severity.FAULT
            for hazard in known.kind.hazards
            if hazard.key == alarm.hazard
            if (
                keys := {
                    key
                    for level in hazard.levels
                    for key in known.by_measurement.get(level.measurement, ())
                    if key not in DERIVED
                }
            )
        ]
        if not needed:
            return False
        return (
            profile is None
            or profile.kind != known.kind.key
            or not all(keys & profile.points for keys in needed)
        )

    @callback
    def device_unfinished(self, ieee: str, model: str | None) -> None:
        """Take that nobody knows what a device of the network has.

        One that was known in an earlier run is heard all the same, as far as that goes.
        """
        known = self.devices.get(ieee)
        name = known.name if known else model or ieee
        self._add_problem(NOT_INTERVIEWED, ieee, name, model)

    @callback
    def became_another(self, device_id: str) -> None:
        """Take that another device answers at an address: what it is, is found out anew."""
        device = self.devices[device_id]
        LOGGER.warning("%s has come back as another device", device.uid)
        self._create_task(self._async_find_out(device), f"find out {device_id}")

    async def _async_find_out(self, device: SafetyDevice) -> None:
        description = device.description
        try:
            await self.async_interview(description.id)
        except HomeAssistantError:
            self.device_unfinished(description.id, description.model)

    @callback
    def zones_asked(self, device_id: str, enrolled: bool) -> None:
        """Take if every zone of a device tells us, and nobody else, of its alarms."""
        if enrolled:
            self.end_problem(NOT_ENROLLED, device_id)
        elif device := self.devices.get(device_id):
            self._add_problem(
                NOT_ENROLLED,
                device_id,
                device.name,
                device.description.model,
            )

    def _add_problem(
        self, key: str, device_id: str, name: str, model: str | None
    ) -> None:
        self.add_problem(
            Problem(
                key=key,
                device_id=device_id,
                placeholders={"device": name, "model": model or "?"},
                fixable=key != "device_replaced",
            )
        )

    @callback
    def device_left(self, ieee: str) -> None:
        """Take that a device has left: somebody may have taken it down."""
        if device := self.devices.get(ieee):
            self.set_online(device, False)

    @callback
    def device_removed(self, ieee: str) -> None:
        """Forget a device that a person has removed; who else does, leaves it missing."""
        self.ignored.pop(ieee, None)
        self.end_problem(device_id=ieee)
        if ieee in self._removing:
            self.remove_device(ieee)
        elif device := self.devices.get(ieee):
            if node := self._nodes.pop(ieee, None):
                node.unbind()
            self.missing.add(ieee)
            self.set_online(device, False)

    @override
    async def async_delete(self, device: SafetyDevice) -> bool:
        device_id = device.description.id
        if device_id not in self.missing:
            await self.async_remove(device_id)
            return True
        await super().async_delete(device)
        if replaced := self._radio and self._radio.device(device_id):
            # What it has become is another device, once the registry has let it go.
            self._create_task(self._async_take_again(replaced), "take again")
        return True

    async def _async_take_again(self, device: Device) -> None:
        await asyncio.sleep(AGAIN_SECONDS)
        # It may never have been asked what it has; one that sleeps is taken as it is known.
        with suppress(HomeAssistantError):
            await self.async_interview(str(device.ieee))
            return
        await self._library.async_have_entities(device)
        if self._radio and self._radio.device(str(device.ieee)) is device:
            self.device_ready(device)

    @override
    @callback
    def remove_device(self, device_id: str) -> None:
        if node := self._nodes.pop(device_id, None):
            node.unbind()
        super().remove_device(device_id)

    async def async_announced(self) -> None:
        """Return once no alarm waits to be announced, and what they set off has begun."""
        if self.house.book.is_announcing:
            announced = asyncio.Event()
            self.house.book.draw(announced.set)
            await announced.wait()

    @callback
    def packet_heard(self, ieee: str, packet: ZigbeePacket) -> None:
        """Take a sign of life."""
        if (node := self._nodes.get(ieee)) is None:
            self._hear_unfinished(ieee, packet)
            return
        if not node.safety.online:
            self.set_online(node.safety, True)
        if (
            packet.profile_id == 0
            and packet.cluster_id == self._library.DEVICE_ANNOUNCE
        ):
            # It had no power, or another parent: how it is now, only it knows.
            node.came_back()
        node.heard(packet)

    def _hear_unfinished(self, ieee: str, packet: ZigbeePacket) -> None:
        """Take the alarm of a device whose interview is not finished, if it is known."""
        if (device := self.devices.get(ieee)) is None or ieee in self.ignored:
            return
        try:
            status = self._library.notified_status(packet)
        except ValueError:
            device.update({}, unusable=("smoke",))
            return
        if status is not None:
            device.update({"smoke": bool(status & self._library.ALARM_BITS)})

    @callback
    def _count(self, _now: datetime) -> None:
        if self._radio:
            self.device.derive(**self._library.operations.counts(self._radio))

    @callback
    def _ask_silent(self, _now: datetime) -> None:
        """Ask mains devices that have been silent for long, the most silent first."""
        if not self.connected:
            return
        for device in to_ask([node.safety for node in self._nodes.values()]):
            node = self._nodes[device.description.id]
            self._create_task(node.async_ask(), f"ask {node.id}")

    @override
    async def async_set_kind(self, device_id: str, kind: str | None) -> None:
        """Choose what a device is: a kind, "none" to leave it out, None for the proposal.

        Its entities are made anew. Also one of `ignored` may be chosen.
        """
        device = self.radio.device(device_id)
        leave_out = kind == self._library.NONE
        if device is not None:
            await self._library.async_have_entities(device)
        if device is None or not (
            kind is None or leave_out or self._library.compile_device(device, kind)
        ):
            if device is not None:
                self._take_device(device)
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="zigbee_kind"
            )
        if leave_out:
            self.remove_device(device_id)
        uid = f"{self.uid}/{device_id}"
        self.house.settings_of(uid).kind = kind
        self._take_device(device, by_person=True)
        await self.house.async_store_settings(uid)

    # Commands

    @override
    async def async_set(self, device: SafetyDevice, key: str, value: Value) -> None:
        await self._node(device).async_set(key, value)

    @override
    async def async_refresh(self, device: SafetyDevice, keys: Iterable[str]) -> None:
        await self._node(device).async_refresh(keys)

    def _node(self, device: SafetyDevice) -> Node:
        if self.connected and (node := self._nodes.get(device.description.id)):
            return node
        raise CommandError(device, "not_connected", "the coordinator is away")

    # The network

    @property
    def radio(self) -> library.Radio:
        """Return the coordinator. Raises HomeAssistantError while it is away."""
        if self._radio is None:
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="zigbee_away"
            )
        return self._radio

    @property
    def network(self) -> NetworkInfo:
        """Return the network as its coordinator tells it."""
        return self.radio.network

    def on_join(self, listener: JoinListener) -> Callable[[], None]:
        """Call a listener with address and stage of whatever is joining.

        Stages are joined, interviewed, ready, ignored and failed. Returns a function that
        ends this.
        """
        self._join_listeners.append(listener)
        return lambda: self._join_listeners.remove(listener)

    @callback
    def device_progress(self, ieee: str, stage: str) -> None:
        """Tell how far a device is that is joining."""
        for listener in tuple(self._join_listeners):
            listener(ieee, stage)

    async def async_permit(
        self, seconds: int, ieee: str | None = None, install_code: str | None = None
    ) -> None:
        """Let devices join: anywhere, by one router, or the one that has a code."""
        await self._async_operate(
            lambda to: to.async_permit(self.radio, seconds, ieee, install_code)
        )

    async def async_remove(self, ieee: str) -> None:
        """Ask a device to leave, and forget it."""
        self._removing.add(ieee)
        try:
            await self._async_operate(lambda _to: self.radio.async_remove(ieee))
        finally:
            self._removing.discard(ieee)

    @override
    async def async_interview(self, device_id: str) -> None:
        await self._async_operate(lambda _to: self.radio.async_reinterview(device_id))

    async def async_energy_scan(self) -> dict[int, float]:
        """Return how busy each channel is: 0 to 255."""
        return await self._async_operate(lambda to: to.async_energy_scan(self.radio))

    async def async_change_channel(self, channel: int) -> None:
        """Move the network to another channel; sleeping devices follow when they wake."""
        await self._async_operate(
            lambda to: to.async_change_channel(self.radio, channel)
        )

    @property
    def members(self) -> set[str]:
        """Return the addresses of everything in the network, ours or not."""
        return {*self.devices, *self.ignored}

    async def async_keep_backup(self) -> dict[str, Any]:
        """Make a backup, keep it in a file, and return it: with its keys."""
        backup = await self.async_backup()
        await self._async_keep(backup)
        return backup

    @callback
    def backup_made(self, backup: dict[str, Any]) -> None:
        """Keep a backup that was made by itself."""
        self._create_task(self._async_keep(backup), "backup")

    async def _async_keep(self, backup: dict[str, Any]) -> None:
        await network_backups(self.hass).async_keep(
            self.entry.data[CONF_NETWORK], self.entry.title, backup
        )

    async def async_backup(self) -> dict[str, Any]:
        """Return a backup of the network in the open coordinator format: with its keys."""
        return await self._async_operate(lambda to: to.async_backup(self.radio))

    async def _async_operate[T](self, work: Callable[[Any], Awaitable[T]]) -> T:
        """Do something with the network. Raises HomeAssistantError if that fails."""
        _ = self.radio
        try:
            return await work(self._library.operations)
        except Exception as err:
            # Whatever the radio or the library may raise.
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="zigbee_failed",
                translation_placeholders={"reason": str(err) or type(err).__name__},
            ) from err

    @override
    def diagnostics(self) -> dict[str, Any]:
        found: dict[str, Any] = {"ignored": sorted(self.ignored.values())}
        with suppress(HomeAssistantError):
            found |= {
                "network": self.network.as_dict(),
                **self._library.operations.diagnostics(self.radio),
            }
        return found
