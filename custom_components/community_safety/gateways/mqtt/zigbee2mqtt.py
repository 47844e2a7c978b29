"""Zigbee2MQTT 2.x: docs/zigbee2mqtt.md.

Its messages are described at https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
import re
from typing import Any, override

import voluptuous as vol

from homeassistant.components import mqtt
from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.json import json_dumps
from homeassistant.util.ulid import ulid_now

from ...catalogue import CHOOSABLE_KINDS
from ...catalogue.measurements import Value
from ...const import DOMAIN
from ...core.device import DeviceDescription, Power, SafetyDevice
from ...core.supervision import ASK_EVERY, to_ask
from ..base import NO_KIND, NO_LAST_SEEN, NONE, NOT_INTERVIEWED, CommandError, Problem
from ..messages import MOST_BYTES, MOST_DEVICES, UNKNOWN, decode
from ..over_mqtt import MqttGateway
from .exposes import (
    Interpretation,
    chosen_kind,
    compile_device,
    may_speak_of_danger,
    names_danger,
)
from .proof import Item, Publishing

#: The list of devices holds everything that every device exposes.
MOST_LIST_BYTES = 8 * 1024 * 1024
#: How long a command waits to hear of its failure, in seconds. No answer is no failure:
#: a device may be asleep, and what a command did is told by the readings alone.
SETTLE_SECONDS = 1.0

#: How long an interview may take, in seconds: a sleeping device answers when it wakes. And how
#: long Zigbee2MQTT may take for what it does alone.
INTERVIEW_SECONDS = 60.0
REQUEST_SECONDS = 10.0
#: How Zigbee2MQTT is told to say when a device was heard.
LAST_SEEN = "ISO_8601"
SUCCESSFUL, FAILED, PENDING = "SUCCESSFUL", "FAILED", "PENDING"

_FAILED = re.compile(
    r"Publish '(?P<verb>[sg]et)' '(?P<key>.+?)' to '(?P<name>.+)' failed: (?P<why>.*)"
)

type Handler = Callable[[bytes, bool], None]


class Zigbee2MqttGateway(MqttGateway):
    """Zigbee2MQTT, with the devices whose exposed properties matter to house."""

    manufacturer = "Zigbee2MQTT"
    points = frozenset({"trouble"})
    choosable_kinds = CHOOSABLE_KINDS
    # Friendly names contain slashes at will, so one subscription takes everything, and
    # a dictionary tells what is ours.
    subscriptions = (("#", 1),)

    def __init__(self, *args: Any) -> None:
        """Initialize."""
        super().__init__(*args)
        self._own: dict[str, Handler] = {
            "bridge/state": self._bridge_state,
            "bridge/info": self._bridge_info,
            "bridge/devices": self._bridge_devices,
            "bridge/logging": self._bridge_logging,
            "bridge/response/device/interview": self._bridge_responded,
            "bridge/response/options": self._bridge_responded,
        }
        self._handlers = self._own
        self._items: dict[str, Item] = {}
        #: By friendly name, also of a device that has left.
        self._ids: dict[str, str] = {}
        #: By address: definition, note and choice, and what they make of a device.
        self._compiled: dict[
            str, tuple[Any, str, str | None, Interpretation | None]
        ] = {}
        #: Devices that are not watched, or not well, until a person helps.
        self._unwatched: set[str] = set()
        self._responses: dict[str, asyncio.Future[str | None]] = {}
        #: Messages of devices that the list has not named yet.
        self._early: dict[str, tuple[bytes, bool]] = {}
        self._listed: bytes | None = None
        self._away: set[str] = set()
        self._ignored: dict[str, str] = {}
        self._config: dict[str, Any] = {}
        self._version: str | None = None

    @override
    async def async_start(self) -> None:
        await super().async_start()
        self.on_unload(
            async_track_time_interval(
                self.hass,
                self._ask_silent,
                ASK_EVERY,
                name="zigbee2mqtt silent devices",
            )
        )

    @override
    @callback
    def receive(self, topic: str, payload: bytes, *, retained: bool) -> None:
        if handler := self._handlers.get(topic):
            # Empty: a retained message was cleared, after a rename or a removal.
            if payload:
                handler(payload, retained)
        elif (
            self._listed is None
            and not topic.startswith("bridge/")
            and len(self._early) < MOST_DEVICES
            and len(payload) <= MOST_BYTES
        ):
            self._early[topic] = (payload, retained)

    @override
    async def async_set(self, device: SafetyDevice, key: str, value: Value) -> None:
        item = self._item(device)
        if (command := item.interpretation.commands.get(key)) is None:
            raise CommandError(device, "refused", f"no such command: {key}")
        raw = command.on if value else command.off
        name = command.property
        async with item.commanding(name, raw) as failed:
            await self.async_publish(
                device, f"{device.description.name}/set", {name: raw}
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_SECONDS):
                    if reason := await failed:
                        raise CommandError(device, "refused", reason)

    @override
    async def async_refresh(self, device: SafetyDevice, keys: Iterable[str]) -> None:
        item = self._item(device)
        gettable = item.interpretation.gettable
        asked = dict.fromkeys((gettable[key] for key in keys if key in gettable), "")
        if asked:
            item.ask(asked)
            await self.async_publish(device, f"{device.description.name}/get", asked)

    def _item(self, device: SafetyDevice) -> Item:
        """Return what is known of a device. Raises CommandError before it is listed."""
        if item := self._items.get(device.description.id):
            return item
        raise CommandError(device, "not_connected", "not listed by Zigbee2MQTT")

    @override
    def diagnostics(self) -> dict[str, Any]:
        return {
            "version": self._version,
            "availability": self._config.get("availability"),
            "advanced": {
                key: value
                for key, value in _or_empty(self._config.get("advanced")).items()
                if key in ("cache_state", "output", "last_seen")
            },
            "ignored": sorted(self._ignored.values()),
            "away": len(self._away),
        }

    # What the bridge says of itself

    def _bridge_state(self, payload: bytes, _retained: bool) -> None:
        self.set_bridge_online(_is_online(self, payload))
        # It may have restarted, and then sends what it has saved, perhaps minutes before.
        for item in self._items.values():
            item.forget()

    def _bridge_info(self, payload: bytes, _retained: bool) -> None:
        info = _mapping(decode(payload, MOST_LIST_BYTES))
        coordinator = _or_empty(info.get("coordinator"))
        self._version = _text(info.get("version"))
        self._config = _or_empty(info.get("config"))
        self.describe(
            DeviceDescription(
                id="",
                kind="gateway",
                name=self.entry.title,
                points=self.points,
                manufacturer=self.manufacturer,
                model=_text(coordinator.get("type")),
                firmware=self._version,
                serial=_text(coordinator.get("ieee_address")),
            )
        )
        for device_id, item in self._items.items():
            if item.publishing != (publishing := self._publishing(device_id)):
                item.publishing = publishing
                # A cache that was hidden may come to light.
                item.forget()
        self._check_last_seen()

    def _check_last_seen(self) -> None:
        """Have it told if nobody can know what of an answer is the device's word.

        A relay that was commanded is published as if it had obeyed, and its answer then
        changes nothing: without `last_seen` it proves a cut-off only where a load has gone.
        """
        advanced = _or_empty(self._config.get("advanced"))
        is_cached = any(
            item.publishing.remembers(name)
            for item in self._items.values()
            for key in item.device.supplies
            if (name := item.interpretation.gettable.get(key))
        )
        if is_cached and advanced.get("last_seen") == "disable":
            self.add_problem(Problem(key=NO_LAST_SEEN, fixable=True))
        else:
            self.end_problem(NO_LAST_SEEN)

    @override
    async def async_mend(self) -> None:
        """Have Zigbee2MQTT say when devices were heard. Raises HomeAssistantError."""
        await self._async_request(
            "options",
            {"options": {"advanced": {"last_seen": LAST_SEEN}}},
            self.entry.title,
            REQUEST_SECONDS,
        )

    def _publishing(self, device_id: str) -> Publishing:
        """Return how Zigbee2MQTT publishes the states of a device."""
        of_all = _or_empty(self._config.get("device_options"))
        own = _or_empty(_or_empty(self._config.get("devices")).get(device_id))
        options = {**of_all, **own}
        return Publishing(
            optimistic=bool(options.get("optimistic", True)),
            cached=bool(
                _or_empty(self._config.get("advanced")).get("cache_state", True)
            ),
            not_hoped=_patterns(options.get("filtered_optimistic")),
            not_cached=_patterns(options.get("filtered_cache")),
        )

    def _bridge_logging(self, payload: bytes, _retained: bool) -> None:
        message = _mapping(decode(payload))
        if message.get("level") != "error":
            return
        # The beginning is enough, and a long text would keep the search busy for seconds.
        found = _FAILED.search(str(message.get("message"))[:1000])
        if found and (item := self._items.get(self._ids.get(found["name"], ""))):
            item.fail(found["verb"], found["key"], found["why"][:200])

    # Devices

    def _bridge_devices(self, payload: bytes, _retained: bool) -> None:
        if payload == self._listed:
            return  # Sent again with each announcement of a device.
        entries = decode(payload, MOST_LIST_BYTES)
        if not isinstance(entries, list):
            raise ValueError("bridge/devices: not a list")  # noqa: TRY004
        self._listed = payload
        self._handlers = {}
        self._ignored = {}
        before, self._unwatched = self._unwatched, set()
        gone = set(self._items)
        for entry in entries:
            device_id = _text(_or_empty(entry).get("ieee_address")) or ""
            try:
                is_here = self._take_entry(device_id, entry)
            except KeyError, TypeError, ValueError, AttributeError, vol.Invalid:
                # It may be a mistake in the user's note; the device goes on as before.
                is_here = True
                if item := self._items.get(device_id):
                    self._hear(item)
                elif (name := _text(_or_empty(entry).get("friendly_name"))) and (
                    self._ids.get(name) == device_id
                ):
                    # What it says is heard all the same, as of one that nobody knows.
                    unknown = {**entry, "definition": None}
                    self._handlers[name] = partial(
                        self._state_of_unknown, device_id, unknown
                    )
                self.refuse(
                    device_id if device_id in self._items else UNKNOWN,
                    "bridge/devices: unusable entry",
                )
            if is_here:
                gone.discard(device_id)
        for device_id in gone | self.missing:
            # It left or was removed, perhaps while Home Assistant was not running. Whoever
            # can write to the broker can say so: a person deletes it here.
            self._away.add(device_id)
            self.lose_device(device_id)
        for device_id in before - self._unwatched:
            self.end_problem(device_id=device_id)
        self.device.derive(trouble=bool(self._unwatched))
        self._check_last_seen()
        self._handlers |= self._own
        early, self._early = self._early, {}
        for topic, message in early.items():
            self.receive(topic, message[0], retained=message[1])

    def _take_entry(self, device_id: str, entry: dict[str, Any]) -> bool:
        """Take one device of the list; return if it is there, whatever it is."""
        name = mqtt.util.valid_publish_topic(entry["friendly_name"])
        if not device_id:
            raise ValueError("no address")
        if entry.get("type") == "Coordinator":
            return True
        self._ids[name] = device_id
        is_known = device_id in self._items
        definition, note = entry.get("definition"), entry.get("description") or ""
        if not is_known and not _is_note(note):
            # Of a new one the proposal counts: it is not left out for a wrong word.
            self.refuse(UNKNOWN, "description: no such kind of device")
            entry, note = {**entry, "description": ""}, ""
        state = _interview(entry)
        if state == FAILED:
            self._add_problem(NOT_INTERVIEWED, device_id, entry)
        if not definition or (not is_known and state == PENDING):
            # It may report before it is known what it is.
            self._handlers[name] = partial(self._state_of_unknown, device_id, entry)
            topic = f"{name}/availability"
            self._handlers[topic] = partial(self._keep, topic)
            return not is_known
        interpretation = self._compile(device_id, definition, note)
        if interpretation is None:
            self._ignored[device_id] = (
                f"{definition.get('vendor')} {definition['model']}"
            )
            if (
                NONE not in (self._chosen(device_id), chosen_kind(note))
                and not entry.get("disabled")
                and may_speak_of_danger(definition)
            ):
                self._add_problem(NO_KIND, device_id, entry)
            return not is_known
        if is_known or not entry.get("disabled"):
            item = self._add(device_id, name, entry, interpretation)
            self._hear(item)
            self._set_away(item, bool(entry.get("disabled")))
        return True

    def _add_problem(self, key: str, device_id: str, entry: dict[str, Any]) -> None:
        """Note that a device is not watched until a person helps."""
        definition = _or_empty(entry.get("definition"))
        self._unwatched.add(device_id)
        self.add_problem(
            Problem(
                key=key,
                device_id=device_id,
                placeholders={
                    "device": _text(entry.get("friendly_name")) or device_id,
                    "model": _text(definition.get("model"))
                    or _text(entry.get("model_id"))
                    or "?",
                },
                fixable=True,
            )
        )

    def _state_of_unknown(
        self, device_id: str, entry: dict[str, Any], payload: bytes, retained: bool
    ) -> None:
        """Take a state of a device that is not interviewed yet: it may be on fire."""
        name = str(entry["friendly_name"])
        self._keep(name, payload, retained)
        if not (definition := entry.get("definition")):
            if not retained and names_danger(_mapping(decode(payload))):
                self._add_problem(NOT_INTERVIEWED, device_id, entry)
            return
        note = entry.get("description") or ""
        if not retained and (found := self._compile(device_id, definition, note)):
            item = self._add(device_id, name, entry, found)
            self._hear(item)
            for topic in (name, f"{name}/availability"):
                if early := self._early.pop(topic, None):
                    self.receive(topic, early[0], retained=early[1])

    def _chosen(self, device_id: str) -> str | None:
        """Return the kind that a person has chosen here."""
        return self.house.settings_of(f"{self.uid}/{device_id}").kind

    @override
    async def async_set_kind(self, device_id: str, kind: str | None) -> None:
        """Choose what a device is: a kind, "none" to leave it out, None for the proposal.

        Raises ServiceValidationError for a kind that it cannot be.
        """
        definition, note, *_ = self._compiled.get(device_id, (None, ""))
        if definition is None or not (
            kind in (None, NONE) or compile_device(definition, note, kind)
        ):
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="zigbee_kind"
            )
        if kind == NONE:
            self.remove_device(device_id)
        uid = f"{self.uid}/{device_id}"
        self.house.settings_of(uid).kind = kind
        if listed := self._listed:
            self._listed = None
            self._bridge_devices(listed, True)
        await self.house.async_store_settings(uid)

    @override
    async def async_interview(self, device_id: str) -> None:
        """Let Zigbee2MQTT ask a device what it is. Raises HomeAssistantError if that fails."""
        await self._async_request(
            "device/interview", {"id": device_id}, device_id, INTERVIEW_SECONDS
        )

    async def _async_request(
        self, what: str, payload: dict[str, Any], device: str, seconds: float
    ) -> None:
        """Ask the bridge for something. Raises HomeAssistantError if that fails.

        `device` is of whom the error speaks, `seconds` how long the answer may take.
        """
        transaction = ulid_now()
        future = self._responses[transaction] = self.hass.loop.create_future()
        try:
            async with asyncio.timeout(seconds):
                await mqtt.async_publish(
                    self.hass,
                    f"{self.base_topic}/bridge/request/{what}",
                    json_dumps({**payload, "transaction": transaction}),
                    qos=1,
                )
                reason = await future
        except TimeoutError as err:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="no_answer",
                translation_placeholders={"device": device},
            ) from err
        finally:
            del self._responses[transaction]
        if reason:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="refused",
                translation_placeholders={"device": device, "reason": reason},
            )

    def _bridge_responded(self, payload: bytes, _retained: bool) -> None:
        response = _mapping(decode(payload))
        future = self._responses.get(str(response.get("transaction")))
        if future and not future.done():
            is_ok = response.get("status") == "ok"
            future.set_result(None if is_ok else str(response.get("error"))[:200])

    def _hear(self, item: Item) -> None:
        name = item.device.description.name
        self._handlers[name] = partial(self._state, item)
        self._handlers[f"{name}/availability"] = partial(self._availability, item)

    def _compile(
        self, device_id: str, definition: Any, note: str
    ) -> Interpretation | None:
        kind = self._chosen(device_id)
        known = self._compiled.get(device_id)
        if known and known[:3] == (definition, note, kind):
            return known[3]
        found = None if kind == NONE else compile_device(definition, note, kind)
        self._compiled[device_id] = (definition, note, kind, found)
        return found

    def _add(
        self,
        device_id: str,
        name: str,
        entry: dict[str, Any],
        interpretation: Interpretation,
    ) -> Item:
        if device_id not in self.devices and len(self.devices) >= MOST_DEVICES:
            raise ValueError("too many devices")
        definition = entry["definition"]
        device = self.add_device(
            DeviceDescription(
                id=device_id,
                kind=interpretation.kind,
                name=name,
                points=interpretation.points,
                commands=frozenset(
                    interpretation.commands.keys() - interpretation.points
                ),
                manufacturer=_text(definition.get("vendor")),
                model=_text(definition.get("model")),
                firmware=_text(entry.get("software_build_id")),
                serial=device_id,
                power=_power(entry.get("power_source"), interpretation),
            )
        )
        item = self._items.get(device_id)
        if item is None or item.device is not device:
            item = self._items[device_id] = Item(
                device=device,
                interpretation=interpretation,
                publishing=self._publishing(device_id),
            )
        item.interpretation = interpretation
        return item

    def _set_away(self, item: Item, away: bool) -> None:
        device_id = item.device.description.id
        if away == (device_id in self._away):
            return
        (self._away.add if away else self._away.discard)(device_id)
        # To be listed again is no sign of life.
        self.set_online(item.device, not away, fresh=False)

    @override
    @callback
    def remove_device(self, device_id: str) -> None:
        if item := self._items.pop(device_id, None):
            name = item.device.description.name
            for topic in (name, f"{name}/availability"):
                self._handlers.pop(topic, None)
            self._compiled.pop(device_id, None)
        self._away.discard(device_id)
        super().remove_device(device_id)

    def _keep(self, topic: str, payload: bytes, retained: bool) -> None:
        self._early[topic] = (payload, retained)

    def _availability(self, item: Item, payload: bytes, retained: bool) -> None:
        device_id = item.device.description.id
        try:
            online = _is_online(self, payload)
        except ValueError as err:
            self.refuse(device_id, f"availability: {err}")
            return
        if device_id not in self._away:
            self.set_online(
                item.device, online, fresh=item.has_returned(online, retained)
            )

    # Readings

    def _state(self, item: Item, payload: bytes, retained: bool) -> None:
        device = item.device
        try:
            message = _mapping(decode(payload))
        except ValueError as err:
            self.refuse(device.description.id, str(err))
            # It may have told of a fire; what comes next is compared with nothing.
            device.update({}, fresh=False, unusable=device.layout.dangers)
            item.forget()
            return
        for key in item.take(message, retained=retained):
            self.refuse(device.description.id, f"{key}: unusable value")

    @callback
    def _ask_silent(self, _now: datetime) -> None:
        """Ask mains devices that have been silent for long, the most silent first."""
        if not self.connected:
            return
        for item in self._items.values():
            item.presume()
        for device in to_ask(
            [
                item.device
                for item in self._items.values()
                # What may have answered is not asked until that is known.
                if item.interpretation.gettable and item.presumed_at is None
            ]
        ):
            item = self._items[device.description.id]
            self.hass.async_create_background_task(
                self._async_ask(item), f"ask {item.device.uid}"
            )

    async def _async_ask(self, item: Item) -> None:
        gettable = item.interpretation.gettable
        key = next(
            (key for key in item.device.supplies if key in gettable),
            next(iter(gettable)),
        )
        with suppress(CommandError):
            await self.async_refresh(item.device, (key,))


def _is_online(gateway: MqttGateway, payload: bytes) -> bool:
    """Return a state, as JSON or, as Zigbee2MQTT 1 could, as plain text.

    Raises ValueError for anything else.
    """
    state = payload.decode(errors="replace")
    if state.startswith("{"):
        state = decode(payload).get("state")
    if state not in ("online", "offline"):
        raise ValueError("neither online nor offline")
    return state == "online"


def _interview(entry: Mapping[str, Any]) -> str:
    """Return how far it is known what a device is: successful, failed or still pending."""
    if state := entry.get("interview_state"):
        return str(state) if state in (SUCCESSFUL, FAILED) else PENDING
    if entry.get("interview_completed"):
        return SUCCESSFUL
    return PENDING if entry.get("interviewing", True) else FAILED


def _is_note(note: str) -> bool:
    """Return if a description chooses a kind that exists, or none."""
    try:
        chosen_kind(note)
    except ValueError:
        return False
    return True


def _power(source: object, interpretation: Interpretation) -> Power | None:
    """Return the power source: it decides how soon silence is a fault.

    A mains device that can neither be asked nor promises to report is not expected to
    speak every few minutes; that it is there is known by Zigbee2MQTT's availability.
    """
    if str(source).startswith("Mains"):
        return Power.MAINS if interpretation.gettable else Power.BATTERY
    return Power.BATTERY if source == "Battery" or not interpretation.gettable else None


def _patterns(value: object) -> frozenset[str]:
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset()


def _mapping(value: object) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise ValueError("not an object")


def _or_empty(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value[:100] if isinstance(value, str) and value else None
