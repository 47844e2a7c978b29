"""What every gateway is: devices, their appearance, and one way to send a command."""

from abc import ABC, abstractmethod
import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
    ConfigEntryState,
)
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_call_later

from ..catalogue import KINDS, is_catalogued
from ..catalogue.measurements import Value
from ..const import CONF_THRESHOLDS, DOMAIN, LOGGER
from ..core.device import DOUBT, DeviceDescription, Power, SafetyDevice, layout_of
from ..core.house import House
from ..core.supervision import Supervision
from ..core.telling import tell
from ..localization import async_kind, async_option

if TYPE_CHECKING:
    from .joining import Joining

#: The kind of a device that a person has chosen to leave out.
NONE = "none"
#: Key of the problem that a device of an earlier run is not watched, …
NOT_RESTORED = "device_not_restored"
#: … those that a form ends: that nobody knows what a device has, or what it is, that it
#: tells nobody of its alarms, and that Zigbee2MQTT does not say when a device was heard.
NOT_INTERVIEWED = "device_not_interviewed"
NO_KIND = "device_no_kind"
NOT_ENROLLED = "device_not_enrolled"
NO_LAST_SEEN = "zigbee2mqtt_last_seen"
#: A form also ends that a device has not said itself what is remembered of it: that something
#: is over. Most say so within some seconds of being there, or when they are asked.
NOT_SAID = "device_not_said"
NOT_SAID_SECONDS = 300.0
#: States of a gateway that a person wants to run, and that does not.
_NOT_STARTED = (
    ConfigEntryState.SETUP_ERROR,
    ConfigEntryState.SETUP_IN_PROGRESS,
    ConfigEntryState.SETUP_RETRY,
)

type GatewayConfigEntry = ConfigEntry[Gateway]
type DeviceListener = Callable[[SafetyDevice], None]
type ReshapeListener = Callable[[SafetyDevice, bool], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What a person must mend before a gateway, or a device of it, is watched again.

    `key` is that of the texts under `issues`, `placeholders` are what they need beside the
    gateway's name. A problem with a device is a fault of the gateway as long as it lasts,
    unless the device itself has one.
    """

    key: str
    device_id: str | None = None
    placeholders: Mapping[str, str] = field(default_factory=dict)
    #: If a form, or a person's word, ends it; else it ends by itself.
    fixable: bool = False
    is_fault: bool = True


class CommandError(HomeAssistantError):
    """A command could not be handed over, or the device refused it."""

    def __init__(self, device: SafetyDevice, key: str, reason: str) -> None:
        """Initialize; `key` is one of the texts under `exceptions`."""
        super().__init__(
            translation_domain=DOMAIN,
            translation_key=key,
            translation_placeholders={
                "device": device.name,
                "reason": reason,
            },
        )
        self.reason = reason


class Gateway(ABC):
    """A connection to devices: one config entry.

    A subclass translates what arrives into `add_device`, `remove_device`,
    `SafetyDevice.update` and `set_connected`, and sends commands.
    """

    manufacturer: str | None = None
    model: str | None = None
    #: How devices come to a gateway that can let them in.
    joining: Joining | None = None
    #: What the gateway finds out about itself, beside being reachable.
    points: frozenset[str] = frozenset()
    #: Kinds that an installer may choose for its devices, where it can only propose one.
    choosable_kinds: tuple[str, ...] = ()

    def passback_options(self, device: SafetyDevice) -> tuple[str, ...]:
        """Return the kinds of anti-pass-back that a controller can do, if it is known."""
        return ()

    def passback(self, device: SafetyDevice) -> str | None:
        """Return which of them a controller says that it does, None if it does not say."""
        return None

    async def async_set_passback(self, device: SafetyDevice, option: str) -> None:
        """Have a controller do one of them. Raises CommandError if that is not read back."""
        raise CommandError(device, "refused", "it has no anti-pass-back")

    def __init__(
        self, hass: HomeAssistant, entry: GatewayConfigEntry, house: House
    ) -> None:
        """Initialize; devices that the alarm book knows take their alarms over."""
        self.hass = hass
        self.entry = entry
        self.house = house
        self.uid = entry.unique_id or entry.entry_id
        self.devices: dict[str, SafetyDevice] = {}
        self.connected = False
        #: Messages that were refused, by device and reason; shown in diagnostics.
        self.refused: Counter[tuple[str, str]] = Counter()
        #: Good messages that change nothing: repeated, or overtaken by a newer one.
        self.discarded: Counter[str] = Counter()
        #: What a person must mend, by key and device.
        self.problems: dict[tuple[str, str | None], Problem] = {}
        self._problem_listeners: list[CALLBACK_TYPE] = []
        self._listeners: list[DeviceListener] = []
        self._reshape_listeners: list[ReshapeListener] = []
        #: Ends the wait for devices that may yet say themselves that something is over.
        self._end_patience: CALLBACK_TYPE | None = None
        #: Devices of an earlier run that the gateway has not named in this one.
        self.missing: set[str] = set()
        self.device = self._register(
            DeviceDescription(
                id="",
                kind="gateway",
                name=entry.title,
                points=self.points,
                manufacturer=self.manufacturer,
                model=self.model,
            )
        )
        self.device.derive(offline=True)
        self._supervision = Supervision(house, self)

    @abstractmethod
    async def async_start(self) -> None:
        """Begin to listen. Raises ConfigEntryNotReady if that cannot be done yet."""

    @abstractmethod
    async def async_set(self, device: SafetyDevice, key: str, value: Value) -> None:
        """Set a writable reading (`supply_1`, `held`) or press a command (`silence`).

        Returns when the command is handed over, and the device has not refused it.
        Raises CommandError otherwise. What it did is told by its readings alone.
        """

    @abstractmethod
    async def async_refresh(self, device: SafetyDevice, keys: Iterable[str]) -> None:
        """Ask a device to report readings now; devices that cannot are passed over."""

    async def async_press(self, device: SafetyDevice, command: str) -> None:
        """Press a command. Raises HomeAssistantError if it did not get through."""
        match command:
            case "all_off":
                await asyncio.gather(
                    *(
                        self.async_set(device, key, False)
                        for key in self.unprotected(device, device.supplies)
                    )
                )
            case "release":
                await self.house.elevators.async_release(device)
            case _:
                if command == "self_test":
                    self._check_self_test(device)
                await self.async_set(device, command, True)

    def _check_self_test(self, device: SafetyDevice) -> None:
        """Raise HomeAssistantError where a self-test would switch a protected load off.

        That of a breaker trips it: IEC 61008-1.
        """
        for key in device.supplies:
            if device.settings.is_protected(key) is not False:
                raise ServiceValidationError(
                    translation_domain=DOMAIN,
                    translation_key="self_test_protected",
                    translation_placeholders={"device": device.name},
                )

    def unprotected(self, device: SafetyDevice, keys: Iterable[str]) -> list[str]:
        """Return which supplies may be switched off.

        Raises ServiceValidationError if they are protected loads, HomeAssistantError if
        it cannot be read which are.
        """
        if device.settings.unread:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="protection_unread",
                translation_placeholders={"device": device.name},
            )
        free = [key for key in keys if key not in device.settings.protected]
        if not free:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="protected",
                translation_placeholders={"device": device.name},
            )
        return free

    async def async_delete(self, device: SafetyDevice) -> bool:
        """Delete a device, and return if that could be done.

        One that its gateway names would only come back.
        """
        if device.description.id not in self.missing:
            return False
        self.remove_device(device.description.id)
        return True

    @classmethod
    async def async_forget(cls, hass: HomeAssistant, entry: GatewayConfigEntry) -> None:
        """Remove what a gateway has kept for itself, after its entry was removed."""
        return

    async def async_set_kind(self, device_id: str, kind: str | None) -> None:
        """Choose what a device is: a choosable kind, or None for the proposal.

        Raises ServiceValidationError for a kind that it cannot be.
        """
        raise NotImplementedError

    async def async_interview(self, device_id: str) -> None:
        """Find out anew what a device has. Raises HomeAssistantError if that fails."""
        raise NotImplementedError

    async def async_mend(self) -> None:
        """Mend a fixable problem of the gateway itself. Raises HomeAssistantError."""
        raise NotImplementedError

    def diagnostics(self) -> dict[str, Any]:
        """Return what helps to find a fault of this connection."""
        return {}

    async def async_stop(self) -> None:
        """End everything, however far the start came.

        The subclass has unsubscribed through its config entry.
        """
        self._supervision.stop()
        if self._end_patience:
            self._end_patience()
            self._end_patience = None
        for device in (self.device, *self.devices.values()):
            self.house.detach(device)

    @callback
    def start_failed(self) -> None:
        """Note that it could not be started: people are told if it stays like that."""
        self.house.start_failed(self.device, lambda: self.entry.state in _NOT_STARTED)

    @property
    def all_devices(self) -> Iterable[SafetyDevice]:
        """Return the gateway's own device and those behind it."""
        return (self.device, *self.devices.values())

    @callback
    def on_device(self, listener: DeviceListener) -> None:
        """Call a listener for each device, those of today and those to come."""
        for device in self.all_devices:
            listener(device)
        self._listeners.append(listener)
        self.entry.async_on_unload(lambda: self._listeners.remove(listener))

    @callback
    def on_reshape(self, listener: ReshapeListener) -> None:
        """Call a listener with each device that has changed, and if its kind has not."""
        self._reshape_listeners.append(listener)

    @callback
    def add_device(self, description: DeviceDescription) -> SafetyDevice:
        """Take a device as it describes itself: a new one, or one that has changed."""
        known = self.devices.get(description.id)
        self.missing.discard(description.id)
        if known is None:
            known = self.devices[description.id] = self._register(description)
            self.update_availability(known)
            self._drop_stale_entities(known)
            tell(tuple(self._listeners), known)
            self.house.remember(known)
            self.end_problem(NOT_RESTORED, description.id)
        elif known.description != description:
            before = known.description
            self._update_registry(description)
            if (before.kind, before.points, before.commands) == (
                description.kind,
                description.points,
                description.commands,
            ):
                known.description = description
            else:
                self._reshape(known, description)
            self.house.remember(known)
        return known

    def _reshape(self, device: SafetyDevice, description: DeviceDescription) -> None:
        """Let one device become another; all others, and the connection, go on."""
        kind = device.kind
        self.house.detach(device)
        if device.settings.kind and kind.key != description.kind:
            # A person has said what it is: as such it is new.
            self.house.place(
                device.uid, layout_of(description.kind, description.points)
            )
        device.reshape(description, self._kind_limits(description))
        self._drop_stale_entities(device)
        tell(tuple(self._reshape_listeners), device, kind is device.kind)
        self.house.attach(self, device)
        # Whoever showed it before shows what it is now.
        device.settings_changed()

    @callback
    def restore_devices(self) -> None:
        """Take the devices of an earlier run, before the first message.

        An alarm that a restart has interrupted finds its supplies at once, and a device
        that does not come back is missed: all are supervised from now on.
        """
        self._add_known_devices()
        self.on_unload(
            self.house.on_found(self._found),
            async_dispatcher_connect(
                self.hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._take_limits
            ),
        )
        self._supervision.start()

    def _add_known_devices(self) -> None:
        for description in self.house.known_devices(self.uid):
            if description.id in self.devices:
                continue
            try:
                self.add_device(description)
            except Exception:  # noqa: BLE001
                # It must not keep all the others from being heard.
                LOGGER.exception("%s cannot be watched", description.id)
                self._miss(description.id, description.name)
            else:
                self.missing.add(description.id)
        for device_id, name in self.house.strange_devices(self.uid):
            if device_id not in self.devices:
                self._miss(device_id, name)

    def _miss(self, device_id: str, name: str) -> None:
        """Tell people of a device of an earlier run that is not watched."""
        uid = f"{self.uid}/{device_id}"
        entry = dr.async_get(self.hass).async_get_device_by_identifier(
            (DOMAIN, uid), self.entry.entry_id
        )
        name = (entry and entry.name_by_user) or name
        self.house.miss(uid, entry.id if entry else None, name)
        self.add_problem(
            Problem(
                key=NOT_RESTORED, device_id=device_id, placeholders={"device": name}
            )
        )

    @callback
    def _found(self) -> None:
        """Take what an earlier run has left and could only be read now."""
        for device_id, kind in self.house.chosen_kinds(self.uid):
            device = self.devices.get(device_id)
            if device.kind.key != kind if device else kind in KINDS:
                # What devices are follows from it: they are all taken anew.
                self.hass.config_entries.async_schedule_reload(self.entry.entry_id)
                return
        self._add_known_devices()

    @callback
    def lose_device(self, device_id: str) -> None:
        """Take that a device is no longer named: a fault, for it may have been taken down.

        Its alarms and cut-offs stay until a person deletes it.
        """
        if device := self.devices.get(device_id):
            self.missing.add(device_id)
            self.set_online(device, False)

    @callback
    def remove_device(self, device_id: str) -> None:
        """Forget a device with its entities, alarms and settings."""
        self.missing.discard(device_id)
        self.end_problem(NOT_SAID, device_id)
        if device := self.devices.pop(device_id, None):
            self.house.detach(device)
            self.house.forget(device.uid)
            for item in [item for item in self.refused if item[0] == device_id]:
                del self.refused[item]
            if device.device_id:
                dr.async_get(self.hass).async_remove_device(device.device_id)

    @callback
    def add_problem(self, problem: Problem) -> None:
        """Note what a person must mend; a device has one problem at a time."""
        if problem.device_id:
            self._drop_problems(None, problem.device_id)
        self.problems[problem.key, problem.device_id] = problem
        self._problems_changed()

    @callback
    def end_problem(self, key: str | None = None, device_id: str | None = None) -> None:
        """Note that something is mended: what has the key, or whatever a device had."""
        if self._drop_problems(key, device_id):
            self._problems_changed()

    def _drop_problems(self, key: str | None, device_id: str | None) -> bool:
        ended = [
            item
            for item in self.problems
            if item[1] == device_id and key in (None, item[0])
        ]
        for item in ended:
            del self.problems[item]
        return bool(ended)

    def _problems_changed(self) -> None:
        self.device.derive(
            trouble=any(
                problem.device_id and problem.is_fault
                for problem in self.problems.values()
            )
        )
        tell(tuple(self._problem_listeners))

    @callback
    def on_problem(self, listener: CALLBACK_TYPE) -> None:
        """Call a listener when there is another problem, or one less."""
        self._problem_listeners.append(listener)

    @callback
    def describe(self, description: DeviceDescription) -> None:
        """Take what the gateway says of itself."""
        self.device.description = description
        self._update_registry(description)

    @callback
    def set_connected(self, connected: bool) -> None:
        """Set if the gateway can be reached; its devices follow."""
        if connected == self.connected:
            return
        self.connected = connected
        LOGGER.log(
            20 if connected else 30,
            "%s is %s",
            self.entry.title,
            "connected" if connected else "not connected",
        )
        self.device.derive(offline=not connected)
        for device in self.devices.values():
            self.update_availability(device)

    @callback
    def set_online(
        self, device: SafetyDevice, online: bool, *, fresh: bool = True
    ) -> None:
        """Set what the gateway says about a device being reachable.

        That it is there is a sign of life only if that is `fresh`: until then it stays
        unresponsive.
        """
        device.online = online
        if not online:
            device.derive(unresponsive=True)
        elif fresh:
            device.seen()
        self.update_availability(device)

    @callback
    def update_availability(self, device: SafetyDevice) -> None:
        """Derive if a device's readings can be trusted."""
        device.set_available(
            self.connected and device.online and not device.readings.get("unresponsive")
        )

    @callback
    def refuse(self, device: str, reason: str) -> None:
        """Count a bad message; the first of a device and reason is logged."""
        self.refused[device, reason] += 1
        if self.refused[device, reason] == 1:
            LOGGER.warning(
                "%s: message of %s refused: %s", self.entry.title, device, reason
            )

    def _register(self, description: DeviceDescription) -> SafetyDevice:
        uid = f"{self.uid}/{description.id}" if description.id else self.uid
        # The registry still knows one of which our own file was lost.
        registry = dr.async_get(self.hass)
        if not self.house.knows(uid) and not registry.async_get_device_by_identifier(
            (DOMAIN, uid), self.entry.entry_id
        ):
            self.house.place(uid, layout_of(description.kind, description.points))
        device = SafetyDevice(
            self.hass,
            description,
            gateway_uid=self.uid,
            book=self.house.book,
            settings=self.house.settings_of(uid),
            kind_limits=self._kind_limits(description),
        )
        device.device_id = self._update_registry(description).id
        device.silence = self.house.seen.get(self.uid, {}).get(device.uid)
        device.listen(("unresponsive",), partial(self.update_availability, device))
        device.listen((DOUBT,), partial(self._ask_again, device))
        self.house.attach(self, device)
        return device

    @callback
    def _take_limits(self, _change: ConfigEntryChange, entry: ConfigEntry) -> None:
        """Take limits of kinds that a person has changed: nobody goes unheard for that."""
        if entry is self.entry:
            for device in self.devices.values():
                device.set_kind_limits(self._kind_limits(device.description))

    def _kind_limits(self, description: DeviceDescription) -> Mapping[str, float]:
        """Return the options of this gateway for a kind of device."""
        limits: Mapping[str, float] = self.entry.options.get(CONF_THRESHOLDS, {}).get(
            description.kind, {}
        )
        return limits

    @callback
    def _ask_again(self, device: SafetyDevice) -> None:
        """Ask for readings that others contradict, and for those that are only remembered.

        A second one decides what is done. Who sleeps cannot be asked; of who does not say
        it, people are told.
        """
        keys = device.doubted
        if device.power is Power.MAINS:
            keys += device.remembered
        if keys:
            self.entry.async_create_background_task(
                self.hass,
                self._async_ask_again(device, keys),
                f"{DOMAIN} question to {device.uid}",
            )
        if not device.remembered:
            self.end_problem(NOT_SAID, device.description.id)
        elif self._end_patience is None:
            self._end_patience = async_call_later(
                self.hass,
                NOT_SAID_SECONDS,
                HassJob(self._tell_not_said, cancel_on_shutdown=True),
            )

    @callback
    def _tell_not_said(self, _now: datetime) -> None:
        """Have people told of what goes on because its device does not say otherwise."""
        self._end_patience = None
        for device_id, device in self.devices.items():
            hazards = device.not_said
            if hazards and all(row[1] != device_id for row in self.problems):
                self.add_problem(
                    Problem(
                        key=NOT_SAID,
                        device_id=device_id,
                        placeholders={
                            "device": device.name,
                            "hazards": ", ".join(
                                async_option(self.hass, "hazard", key)
                                for key in hazards
                            ),
                        },
                        fixable=True,
                        is_fault=False,
                    )
                )

    @callback
    def attest(self, device_id: str) -> None:
        """Take a person's word for what a device has not said itself: it is over."""
        if device := self.devices.get(device_id):
            device.attest()

    async def _async_ask_again(
        self, device: SafetyDevice, keys: tuple[str, ...]
    ) -> None:
        with suppress(HomeAssistantError):
            await self.async_refresh(device, keys)

    def _drop_stale_entities(self, device: SafetyDevice) -> None:
        """Remove the entities of what a device had before its description changed."""
        registry = er.async_get(self.hass)
        for entry in er.async_entries_for_device(
            registry, device.device_id or "", include_disabled_entities=True
        ):
            key = entry.unique_id.removeprefix(f"{device.uid}/")
            if is_catalogued(key) and key not in device.keys:
                registry.async_remove(entry.entity_id)

    def name_of(self, kind: str, label: str) -> str:
        """Return the first name of a device that has none, by what stands on it."""
        return f"{async_kind(self.hass, kind)} {label}"

    def _update_registry(self, description: DeviceDescription) -> dr.DeviceEntry:
        is_gateway = not description.id
        return dr.async_get(self.hass).async_get_or_create(
            config_entry_id=self.entry.entry_id,
            identifiers={
                (DOMAIN, self.uid if is_gateway else f"{self.uid}/{description.id}")
            },
            name=description.name,
            manufacturer=description.manufacturer,
            model=description.model,
            sw_version=description.firmware,
            hw_version=description.hardware,
            serial_number=description.serial,
            suggested_area=description.area,
            entry_type=dr.DeviceEntryType.SERVICE if is_gateway else None,
            via_device_id=None if is_gateway else self.device.device_id,
        )

    @callback
    def on_unload(self, *undo: CALLBACK_TYPE) -> None:
        """Undo things when the config entry is unloaded."""
        for item in undo:
            self.entry.async_on_unload(item)
