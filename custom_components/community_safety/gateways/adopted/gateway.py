"""A gateway of adopted devices: one subentry each, with the entities that carry its readings."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
import time
from typing import Any, override

from homeassistant.components.button import DOMAIN as BUTTON, SERVICE_PRESS
from homeassistant.components.switch import DOMAIN as SWITCH
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import (
    ATTR_ENTITY_ID,
    EVENT_CALL_SERVICE,
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
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_component import DATA_INSTANCES
from homeassistant.helpers.event import (
    async_call_later,
    async_track_state_change_event,
    async_track_state_report_event,
    async_track_time_interval,
)
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.update_coordinator import (
    CoordinatorEntity,
    DataUpdateCoordinator,
)
from homeassistant.loader import Integration, async_get_integrations

from ...catalogue.measurements import Value, parse_point
from ...const import LOGGER
from ...core.device import DeviceDescription, Power, SafetyDevice
from ...core.supervision import ASK_EVERY, to_ask
from ...localization import async_reading
from ..base import CommandError, Problem
from ..loads import NOISE, has_moved
from ..subentries import SubentryGateway
from .proposals import carriers_of, dangers_of
from .sources import QUESTION, TEMPLATE, TOLD, Command, Question, Source, Told

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
        self._told = self.hass.data.setdefault(TOLD, Told())
        #: What other integrations are being asked: nobody asks twice, or breaks it off.
        self._questions: dict[Hashable, asyncio.Task[None]] = {}
        self._turns = asyncio.Lock()
        self._is_started = False

    @override
    async def async_start(self) -> None:
        await self.async_follow()
        self.follow_subentries()
        self.on_unload(
            self._unbind_all,
            self.hass.bus.async_listen(EVENT_CALL_SERVICE, self._told.called),
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
        self._told.commands[source.ref] = Command(bool(value), time.monotonic())
        service = SERVICE_TURN_ON if value else SERVICE_TURN_OFF
        await self._async_call(device, SWITCH, service, source.entity_id)

    async def _async_call(
        self, device: SafetyDevice, domain: str, service: str, entity_id: str | None
    ) -> None:
        """Call an action of an entity. Raises CommandError.

        Home Assistant passes over an entity that is unavailable, and says nothing. What
        its state shows may be older than that.
        """
        state = self.hass.states.get(entity_id) if entity_id else None
        entity = self._entity(entity_id)
        away = CommandError(device, "not_connected", "the entity is unavailable")
        if state is None or state.state == STATE_UNAVAILABLE:
            raise away
        try:
            if entity is not None and not entity.available:
                raise away
            await self.hass.services.async_call(
                domain, service, {ATTR_ENTITY_ID: state.entity_id}, blocking=True
            )
        except CommandError:
            raise
        except Exception as err:
            # Whatever another integration may raise.
            raise CommandError(
                device, "refused", str(err) or type(err).__name__
            ) from err

    def _entity(self, entity_id: str | None) -> Entity | None:
        """Return an entity of another integration itself, None if it is not set up."""
        component = self.hass.data.get(DATA_INSTANCES, {}).get(
            (entity_id or "").partition(".")[0]
        )
        return component.get_entity(entity_id) if component and entity_id else None

    @override
    async def async_refresh(self, device: SafetyDevice, keys: Iterable[str]) -> None:
        wanted = set(keys)
        # Several entities may be read at once.
        tasks: dict[Hashable, asyncio.Task[None]] = {}
        for source in self._of(device).sources:
            if source.key not in wanted or not source.is_polled:
                continue
            entity = self._entity(source.entity_id)
            if isinstance(entity, CoordinatorEntity):
                coordinator, key = entity.coordinator, id(entity.coordinator)
                refresh = partial(_async_read, coordinator)
                tasks[key] = self._ask(key, refresh, is_coordinated=True)
            elif entity is not None:
                update = partial(entity.async_update_ha_state, force_refresh=True)
                tasks[entity.entity_id] = self._ask(
                    entity.entity_id, update, is_coordinated=False
                )
        if tasks:
            # Who has no more patience leaves them running: broken off in the middle, the
            # other integration would take its device to be away.
            await asyncio.wait(tasks.values())

    def _ask(
        self,
        key: Hashable,
        ask: Callable[[], Awaitable[None]],
        *,
        is_coordinated: bool,
    ) -> asyncio.Task[None]:
        """Return the task that asks another integration, the one that runs already if there is."""
        if task := self._questions.get(key):
            return task

        async def question() -> None:
            asked = Question(time.monotonic(), is_coordinated)
            QUESTION.set(asked)
            try:
                await ask()
            except Exception as err:  # noqa: BLE001
                # Whatever it may raise: the others are read all the same.
                LOGGER.debug("Another integration could not be asked: %r", err)
            finally:
                asked.is_running = False
                self._questions.pop(key, None)

        # Of Home Assistant: a reload of ours must not break it off either.
        task = self._questions[key] = self.hass.async_create_background_task(
            question(), "community_safety question", eager_start=False
        )
        return task

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
                        "hoped": source.hope is not None,
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
                        self._told,
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
        for source in sources:
            self._locate(source)
        known = self.devices.get(row.subentry_id)
        return DeviceDescription(
            id=row.subentry_id,
            kind=row.data[CONF_KIND],
            name=row.title,
            points=keys,
            commands=frozenset(row.data.get(CONF_COMMANDS, {})),
            manufacturer=maker.manufacturer if maker else None,
            model=maker.model if maker else None,
            area=area.name if area else None,
            power=self._power(sources) or (known.power if known else Power.BATTERY),
        )

    def _answers(self, source: Source) -> bool | None:
        """Return if an entity can be asked, and shows when there was no answer.

        None while it is not set up.
        """
        if not source.can_be_asked:
            return False
        entity = self._entity(source.entity_id)
        return isinstance(entity, CoordinatorEntity) if entity else None

    def _is_polled_tersely(self, source: Source) -> bool:
        """Return if an entity is there only while it can be read, and tells nothing but news.

        One that can be asked is: that says more.
        """
        entity = self._entity(source.entity_id)
        return (
            source.is_polled
            and not source.can_be_asked
            and isinstance(entity, CoordinatorEntity)
            and entity.coordinator.update_interval is not None
            and not entity.coordinator.always_update
        )

    def _power(self, sources: list[Source]) -> Power | None:
        """Return if a device is expected to speak all the time; None while nobody knows.

        One that answers is. Of another it is not known how often it speaks: that it is
        away is said by its integration.
        """
        answers = {self._answers(source) for source in sources}
        if any(source.key == "battery" for source in sources) or answers == {False}:
            return Power.BATTERY
        return Power.MAINS if True in answers else None

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

    def _locate(self, source: Source) -> None:
        """Find out where an entity is now."""
        entry = er.async_get(self.hass).async_get(source.ref)
        if entry is None and valid_entity_id(source.ref):
            source.entity_id = source.ref
        else:
            source.entity_id = (
                entry.entity_id if entry and not entry.disabled_by else None
            )

    def _bind(self, adopted: _Adopted) -> None:
        """Listen to the entities of a device where they are now, and take what they say."""
        adopted.unbind()
        by_entity: dict[str, list[Source]] = {}
        for source in adopted.sources:
            self._locate(source)
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
                self._take_state(adopted, source, data["new_state"], event.context.id)

        adopted.undo += [
            async_track_state_change_event(self.hass, by_entity, heard),
            async_track_state_report_event(self.hass, by_entity, heard),
        ]
        for source in adopted.sources:
            state = self.hass.states.get(source.entity_id) if source.entity_id else None
            self._take_state(adopted, source, state)
        self._show_missing(adopted)

    def _take_state(
        self,
        adopted: _Adopted,
        source: Source,
        state: State | None,
        context: str = "",
    ) -> None:
        device = adopted.device
        was_absent, was_own = source.is_absent, source.is_own
        if source.integration in (None, TEMPLATE):
            self._look_at(source)
        is_own = source.take(state, context)
        if state is None or is_own is None:
            self._says_nothing(adopted, source)
            return
        if was_absent:
            self._show_missing(adopted)
            self._watch_absence(adopted)
        if not device.online:
            self.set_online(device, True, fresh=is_own)
        before = source.value
        try:
            source.value = source.read(state)
        except ValueError as err:
            source.value, source.is_own = None, False
            self.refuse(device.description.id, str(err))
            self._update(adopted, source, {}, fresh=False)
            return
        readings = {source.key: source.value}
        if is_own and was_own:
            readings |= self._followed(adopted, source, before)
        self._update(adopted, source, readings, fresh=is_own)

    def _look_at(self, source: Source) -> None:
        """Find out from an entity itself what the registry does not tell."""
        if entity := self._entity(source.entity_id):
            source.integration = entity.platform.platform_name
            # Home Assistant shows it nowhere else.
            source.has_availability = bool(
                getattr(entity, "_availability_template", None)
            )

    def _update(
        self,
        adopted: _Adopted,
        source: Source,
        readings: dict[str, Value],
        *,
        fresh: bool,
    ) -> None:
        """Take the readings of an entity, together with those of the others of its reading.

        Each that is on is enough. That all are calm is only known if each has said so
        itself, and is there: as long as one says nothing, that is a fault as well.
        """
        device, key = adopted.device, source.key
        rows = adopted.of(key)
        mute = [key] if any(row.is_silent or row.is_unusable for row in rows) else []
        others = [row for row in rows if row is not source and row.value is not None]
        if any(row.value is True for row in others):
            readings[key] = True
        elif others:
            # Of one that says nothing, what the others say stays known.
            readings.setdefault(key, False)
        is_calm = readings.get(key) is False and _is_danger(device, key)
        if is_calm and not all(row.is_own for row in rows):
            device.update(readings, fresh=False, unusable=mute)
            # A sign of life all the same.
            readings, mute = {}, []
        if readings or mute or fresh:
            device.update(readings, fresh=fresh, unusable=mute)

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
        found: dict[str, Value] = {}
        for key in device.supplies:
            loads = (*device.related("current", key), *device.related("power", key))
            for row in adopted.of(key):
                command = self._told.commands.get(row.ref)
                if (
                    command
                    and command.is_recent
                    and command.value is row.value is is_live
                    and source.key in loads
                ):
                    row.prove()
                    found[key] = is_live
        return found

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
        if len(absent) == len(adopted.sources):
            self.set_online(device, False)
            absent = []
        for source in absent:
            if source.is_picture:
                device.update({source.key: True}, fresh=False)
            elif _is_danger(device, source.key):
                source.is_silent = True
                self._update(adopted, source, {}, fresh=False)
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
            device = adopted.device
            power = self._power(adopted.sources)
            if power and power is not device.power:
                self.add_device(replace(device.description, power=power))
            for source in adopted.sources:
                if not source.is_absent and (
                    source.is_primed or self._is_polled_tersely(source)
                ):
                    device.seen()
                if self._answers(source):
                    can_be_asked.setdefault(device, source.key)
        for device in to_ask(can_be_asked):
            self.entry.async_create_background_task(
                self.hass,
                self.async_refresh(device, (can_be_asked[device],)),
                f"ask {device.uid}",
            )


async def _async_read(coordinator: DataUpdateCoordinator[Any]) -> None:
    """Have a coordinator read its device, and its entities say what was read."""
    # At once: what it is asked for politely is put off, and old values written.
    await coordinator.async_refresh()
    if coordinator.last_update_success and not coordinator.always_update:
        # What is as it was is read as well, and no hope any more.
        coordinator.async_update_listeners()


def _is_danger(device: SafetyDevice, key: str) -> bool:
    return parse_point(key).measurement.key in dangers_of(device.kind.key)
