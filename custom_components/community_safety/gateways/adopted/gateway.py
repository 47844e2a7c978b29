"""A gateway of adopted devices: one subentry each, with the entities that carry its readings."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
import time
from typing import Any, override

from homeassistant.components.button import DOMAIN as BUTTON, SERVICE_PRESS
from homeassistant.components.switch import DOMAIN as SWITCH
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import (
    ATTR_ENTITY_ID,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
    STATE_UNAVAILABLE,
)
from homeassistant.core import (
    CALLBACK_TYPE,
    Event,
    EventStateChangedData,
    EventStateReportedData,
    HassJob,
    HomeAssistant,
    State,
    callback,
    valid_entity_id,
)
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.helpers.entity_component import DATA_INSTANCES, async_update_entity
from homeassistant.helpers.event import (
    async_call_later,
    async_track_state_change_event,
    async_track_state_report_event,
    async_track_time_interval,
)
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.update_coordinator import CoordinatorEntity
from homeassistant.loader import Integration, async_get_integrations

from ...catalogue.measurements import Value, parse_point
from ...core.device import DeviceDescription, Power, SafetyDevice
from ...core.supervision import ASK_EVERY, to_ask
from ...localization import async_reading
from ..base import CommandError, Problem
from ..loads import EFFECT_SECONDS, NOISE, has_moved
from ..subentries import SubentryGateway
from .proposals import carriers_of, dangers_of
from .sources import COMMAND, Command, Source

#: The type of a subentry, and what is in its data: the device that it was made of, the kind,
#: the entities by measurement, and buttons by command.
SUBENTRY = "adopted"
CONF_DEVICE, CONF_KIND = "device", "kind"
CONF_READINGS, CONF_COMMANDS = "readings", "commands"
#: Seconds for which entities may say nothing, as where their integration is reloaded, until
#: that is a fault: GB/T 45839-2025 wants it shown within 100 s.
AWAY_SECONDS = 60.0
#: The key of the problem that an entity is gone.
MISSING = "adopted_entity_missing"


@dataclass(eq=False, slots=True)
class _Adopted:
    """One device, and the entities that speak for it."""

    device: SafetyDevice
    title: str
    data: Mapping[str, Any]
    sources: list[Source]
    #: The last command of each supply.
    commanded: dict[str, Command] = field(default_factory=dict)
    undo: list[CALLBACK_TYPE] = field(default_factory=list)
    timer: CALLBACK_TYPE | None = None

    @property
    def absent(self) -> list[Source]:
        """Return the entities that say nothing."""
        return [source for source in self.sources if source.is_absent]

    def of(self, key: str) -> list[Source]:
        """Return the entities of a reading."""
        return [source for source in self.sources if source.key == key]

    def unbind(self) -> None:
        """Hear of its entities no more."""
        for undo in self.undo:
            undo()
        self.undo.clear()
        if self.timer:
            self.timer()
            self.timer = None


class AdoptedGateway(SubentryGateway):
    """Devices that other integrations reach. It is always there itself."""

    manufacturer = "Home Assistant"
    points = frozenset({"trouble"})

    def __init__(self, *args: Any) -> None:
        """Initialize."""
        super().__init__(*args)
        self._adopted: dict[str, _Adopted] = {}
        self._turns = asyncio.Lock()
        self._is_started = False

    @override
    async def async_start(self) -> None:
        await self.async_follow()
        self.follow_subentries()
        self.on_unload(
            self._unbind_all,
            self.hass.bus.async_listen(
                er.EVENT_ENTITY_REGISTRY_UPDATED, self._registry_changed
            ),
            async_track_time_interval(
                self.hass, self._look_after, ASK_EVERY, name="adopted silent devices"
            ),
            async_at_started(self.hass, self._started),
        )
        self.set_connected(True)

    @override
    async def async_set(self, device: SafetyDevice, key: str, value: Value) -> None:
        adopted = self._of(device)
        if ref := adopted.data.get(CONF_COMMANDS, {}).get(key):
            entry = er.async_get(self.hass).async_get(ref)
            entity_id = entry.entity_id if entry else ref
            await self._async_call(device, BUTTON, SERVICE_PRESS, entity_id)
            return
        source = next(iter(adopted.of(key)), None)
        if source is None or key not in device.supplies:
            raise CommandError(device, "refused", f"no such command: {key}")
        command = Command(source, bool(value), time.monotonic())
        adopted.commanded[key] = command
        token = COMMAND.set(command)
        service = SERVICE_TURN_ON if value else SERVICE_TURN_OFF
        try:
            await self._async_call(device, SWITCH, service, source.entity_id)
        finally:
            command.is_running = False
            COMMAND.reset(token)

    async def _async_call(
        self, device: SafetyDevice, domain: str, service: str, entity_id: str | None
    ) -> None:
        """Call an action of an entity. Raises CommandError.

        Home Assistant passes over an entity that is unavailable, and says nothing.
        """
        state = self.hass.states.get(entity_id) if entity_id else None
        if state is None or state.state == STATE_UNAVAILABLE:
            raise CommandError(device, "not_connected", "the entity is unavailable")
        try:
            await self.hass.services.async_call(
                domain, service, {ATTR_ENTITY_ID: state.entity_id}, blocking=True
            )
        except Exception as err:
            # Whatever another integration may raise.
            raise CommandError(
                device, "refused", str(err) or type(err).__name__
            ) from err

    @override
    async def async_refresh(self, device: SafetyDevice, keys: Iterable[str]) -> None:
        wanted = set(keys)
        # Several entities may be read at once.
        coordinators, entities = {}, []
        for source in self._of(device).sources:
            if source.key not in wanted or not source.is_polled or not source.entity_id:
                continue
            component = self.hass.data.get(DATA_INSTANCES, {}).get(
                source.entity_id.partition(".")[0]
            )
            entity = component.get_entity(source.entity_id) if component else None
            if isinstance(entity, CoordinatorEntity):
                # At once: what it is asked for politely is put off, and old values written.
                coordinators[id(entity.coordinator)] = entity.coordinator
            elif entity is not None:
                entities.append(source.entity_id)
        await asyncio.gather(
            *(item.async_refresh() for item in coordinators.values()),
            *(async_update_entity(self.hass, item) for item in entities),
        )

    @override
    def diagnostics(self) -> dict[str, Any]:
        return {
            "adopted": {
                str(adopted.device.device_id): [
                    {
                        "reading": source.key,
                        "integration": source.integration,
                        "iot_class": source.iot_class,
                        "absent": source.is_absent,
                        "hoped": source.hoped is not None,
                    }
                    for source in adopted.sources
                ]
                for adopted in self._adopted.values()
            }
        }

    def _of(self, device: SafetyDevice) -> _Adopted:
        """Return what is known of a device. Raises CommandError for one that is gone."""
        if adopted := self._adopted.get(device.description.id):
            return adopted
        raise CommandError(device, "not_connected", "not adopted any more")

    # Devices

    @override
    async def async_follow(self) -> None:
        """Take the devices as the subentries name them."""
        registry = er.async_get(self.hass)
        async with self._turns:
            rows = {
                row.subentry_id: row
                for row in self.entry.get_subentries_of_type(SUBENTRY)
            }
            integrations = await async_get_integrations(
                self.hass,
                {
                    entry.platform
                    for row in rows.values()
                    for refs in row.data[CONF_READINGS].values()
                    for ref in refs
                    if (entry := registry.async_get(ref))
                },
            )
            for device_id in {*self._adopted, *self.missing} - rows.keys():
                self.let_go(device_id)
            for device_id, row in rows.items():
                known = self._adopted.get(device_id)
                if known is None or (known.title, known.data) != (row.title, row.data):
                    self._take(row, integrations)

    def _take(
        self, row: ConfigSubentry, integrations: Mapping[str, Integration | Exception]
    ) -> None:
        """Take a device that is new, or has changed."""
        registry = er.async_get(self.hass)
        sources = []
        kind = row.data[CONF_KIND]
        for key, refs in carriers_of(kind, row.data[CONF_READINGS]).items():
            for ref in refs:
                entry = registry.async_get(ref)
                found = integrations.get(entry.platform) if entry else None
                sources.append(
                    Source(
                        key,
                        ref,
                        entry.platform if entry else None,
                        found.iot_class if isinstance(found, Integration) else None,
                    )
                )
        self.forget_subentry(row.subentry_id)
        device = self.add_device(self._describe(row, sources))
        adopted = _Adopted(device, row.title, row.data, sources)
        self._adopted[row.subentry_id] = adopted
        self._bind(adopted)

    def _describe(
        self, row: ConfigSubentry, sources: list[Source]
    ) -> DeviceDescription:
        registry = dr.async_get(self.hass)
        device = registry.async_get(row.data.get(CONF_DEVICE) or "")
        main = device
        if isinstance(device, dr.ChildDeviceEntry):
            main = registry.async_get(device.parent_device_id)
        maker = main if isinstance(main, dr.DeviceEntry) else None
        area = ar.async_get(self.hass).async_get_area(
            (device and dr.async_get_effective_area_id(self.hass, device)) or ""
        )
        keys = frozenset(source.key for source in sources)
        # One that can be asked is expected to answer. Of another it is not known how often
        # it speaks: that it is away is said by its integration.
        on_mains = "battery" not in keys and any(row.can_be_asked for row in sources)
        return DeviceDescription(
            id=row.subentry_id,
            kind=row.data[CONF_KIND],
            name=row.title,
            points=keys,
            commands=frozenset(row.data.get(CONF_COMMANDS, {})),
            manufacturer=maker.manufacturer if maker else None,
            model=maker.model if maker else None,
            area=area.name if area else None,
            power=Power.MAINS if on_mains else Power.BATTERY,
        )

    @override
    def forget_subentry(self, device_id: str) -> None:
        if adopted := self._adopted.pop(device_id, None):
            adopted.unbind()
        self.end_problem(device_id=device_id)

    @callback
    def _unbind_all(self) -> None:
        for adopted in self._adopted.values():
            adopted.unbind()

    # Entities

    @callback
    def _registry_changed(
        self, event: Event[er.EventEntityRegistryUpdatedData]
    ) -> None:
        """Follow entities that were renamed, removed, disabled, or put back."""
        data = event.data
        names = {data["entity_id"]}
        if data["action"] == "update":
            if not {"entity_id", "disabled_by"} & data["changes"].keys():
                return
            names.add(data.get("old_entity_id", data["entity_id"]))
        if entry := er.async_get(self.hass).async_get(data["entity_id"]):
            names.add(entry.id)
        for adopted in self._adopted.values():
            if any(names & {row.entity_id, row.ref} for row in adopted.sources):
                self._bind(adopted)

    def _bind(self, adopted: _Adopted) -> None:
        """Listen to the entities of a device where they are now, and take what they say."""
        adopted.unbind()
        registry = er.async_get(self.hass)
        by_entity: dict[str, list[Source]] = {}
        for source in adopted.sources:
            entry = registry.async_get(source.ref)
            if entry is None and valid_entity_id(source.ref):
                source.entity_id = source.ref
            else:
                source.entity_id = (
                    entry.entity_id if entry and not entry.disabled_by else None
                )
            # What is read from the state machine now was said some time ago.
            source.is_absent = True
            if source.entity_id:
                by_entity.setdefault(source.entity_id, []).append(source)

        @callback
        def heard(
            event: Event[EventStateChangedData] | Event[EventStateReportedData],
        ) -> None:
            data = event.data
            for source in by_entity[data["entity_id"]]:
                self._take_state(adopted, source, data["new_state"])

        adopted.undo += [
            async_track_state_change_event(self.hass, by_entity, heard),
            async_track_state_report_event(self.hass, by_entity, heard),
        ]
        for source in adopted.sources:
            state = self.hass.states.get(source.entity_id) if source.entity_id else None
            self._take_state(adopted, source, state)
        self._show_missing(adopted)

    def _take_state(
        self, adopted: _Adopted, source: Source, state: State | None
    ) -> None:
        device = adopted.device
        was_absent = source.is_absent
        is_own = source.take(state)
        if state is None or is_own is None:
            self._says_nothing(adopted, source)
            return
        if was_absent:
            self._show_missing(adopted)
        if not device.online:
            self.set_online(device, True, fresh=is_own)
        before = source.value
        try:
            source.value = source.read(state)
        except ValueError as err:
            source.value = None
            self.refuse(device.description.id, str(err))
            device.update({}, fresh=False, unusable=(source.key,))
            return
        readings = {source.key: source.value}
        if any(row.value is True for row in adopted.of(source.key)):
            # Of several entities of one reading, each that is on is enough.
            readings[source.key] = True
        if is_own:
            readings |= self._followed(adopted, source, before)
        device.update(readings, fresh=is_own)

    def _followed(
        self, adopted: _Adopted, source: Source, before: Value | None
    ) -> dict[str, Value]:
        """Return the supplies of which a load that has come or gone says that they obeyed."""
        device, after = adopted.device, source.value
        noise = NOISE.get(parse_point(source.key).measurement.key)
        if (
            noise is None
            or not isinstance(before, float)
            or not isinstance(after, float)
            or not has_moved(noise, before, after)
        ):
            return {}
        is_live = abs(after) > noise
        return {
            key: command.value
            for key, command in adopted.commanded.items()
            if command.value is is_live
            and command.source.value is command.value
            and time.monotonic() - command.at < EFFECT_SECONDS
            and source.key
            in (*device.related("current", key), *device.related("power", key))
        }

    def _says_nothing(self, adopted: _Adopted, source: Source) -> None:
        """Take that an entity says nothing: what it is about is not known any more."""
        device = adopted.device
        if all(row.is_absent for row in adopted.of(source.key)):
            device.lose(source.key)
        if len(adopted.absent) == len(adopted.sources):
            device.online = False
            self.update_availability(device)
        self._watch_absence(adopted)

    def _watch_absence(self, adopted: _Adopted) -> None:
        """Have it looked at later if an entity still says nothing.

        Not before Home Assistant has started: until then integrations are set up.
        """
        if self._is_started and adopted.absent and adopted.timer is None:
            adopted.timer = async_call_later(
                self.hass,
                AWAY_SECONDS,
                HassJob(
                    partial(self._absent_for_long, adopted), cancel_on_shutdown=True
                ),
            )

    @callback
    def _absent_for_long(self, adopted: _Adopted, _now: datetime) -> None:
        adopted.timer = None
        device, absent = adopted.device, adopted.absent
        dangers = dangers_of(device.kind.key)
        if len(absent) == len(adopted.sources):
            self.set_online(device, False)
        elif silent := [
            source.key
            for source in absent
            if parse_point(source.key).measurement.key in dangers
        ]:
            device.update({}, fresh=False, unusable=silent)
        self._show_missing(adopted)

    def _show_missing(self, adopted: _Adopted) -> None:
        """Have a person told of entities that are gone, and not merely unavailable."""
        gone = [
            async_reading(self.hass, parse_point(source.key).measurement.key)
            for source in adopted.sources
            if source.entity_id is None
            or (
                source.entity_id == source.ref
                and self._is_started
                and self.hass.states.get(source.entity_id) is None
            )
        ]
        device_id = adopted.device.description.id
        if not gone:
            self.end_problem(MISSING, device_id)
            return
        self.add_problem(
            Problem(
                key=MISSING,
                device_id=device_id,
                placeholders={
                    "device": adopted.device.name,
                    "readings": ", ".join(dict.fromkeys(gone)),
                },
            )
        )

    @callback
    def _started(self, _hass: HomeAssistant) -> None:
        self._is_started = True
        for adopted in self._adopted.values():
            self._watch_absence(adopted)

    @callback
    def _look_after(self, _now: datetime) -> None:
        """Note who is there, and ask those that can be asked and have been silent for long."""
        can_be_asked: dict[SafetyDevice, str] = {}
        for adopted in self._adopted.values():
            for source in adopted.sources:
                if source.is_primed and not source.is_absent:
                    adopted.device.seen()
                if source.can_be_asked:
                    can_be_asked.setdefault(adopted.device, source.key)
        for device in to_ask(can_be_asked):
            self.entry.async_create_background_task(
                self.hass,
                self.async_refresh(device, (can_be_asked[device],)),
                f"ask {device.uid}",
            )
