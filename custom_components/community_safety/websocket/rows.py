"""An incident as one user may see it, with what that user may do about it now."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
from homeassistant.core import HomeAssistant

from ..core.alarm import Alarm, Change
from ..core.alarms import describe
from ..core.authority import Action
from ..core.device import SafetyDevice
from ..core.disconnect import Limit
from ..core.house import DATA_HOUSE, House
from ..core.incidents import SHELVABLE, Incident, Rank, rank
from ..core.latches import Latch
from ..target import Found, find_supplies, find_supply, may

#: Ranks at which the power of an incident's place is cut.
LIFE = (Rank.FIRE, Rank.LINKAGE, Rank.ELECTRICAL)


class State(StrEnum):
    """How a supply stands, as far as it is known and not as it is hoped."""

    #: Off: the relay says so, and the current is gone.
    PROVEN = "proven"
    #: Off by the relay's word; none flowed before, so that its absence proves nothing.
    RELAY_ONLY = "relay_only"
    MAY_BE_ON = "may_be_on"
    CUTTING = "cutting"
    UNKNOWN = "unknown"
    #: Stays on.
    PROTECTED = "protected"
    #: Would be cut.
    DRILL = "drill"
    ON = "on"
    #: Off, and not by us.
    OFF = "off"


#: Those that a cut-off would open, or try to once more.
STATES_TO_CUT = (State.ON, State.OFF, State.UNKNOWN, State.MAY_BE_ON)


@dataclass(slots=True)
class View:
    """An incident with its supplies, and the readings that are shown of it."""

    incident: Incident
    supplies: list[Found] = field(default_factory=list)
    #: By unique id of their devices.
    watched: dict[str, set[str]] = field(default_factory=dict)

    @property
    def devices(self) -> set[str]:
        """Return the unique ids of all devices that are shown, also of those away."""
        return {
            *(place.supply.uid for place in self.supplies),
            *(alarm.device for alarm in self.incident.open),
        }


@dataclass(slots=True)
class Reader:
    """Who looks: a user, with the rights that providers of authority give."""

    user: User
    rights: Mapping[Action, Collection[str] | None] = field(default_factory=dict)

    def reads(self, entity_id: str | None) -> bool:
        """Return if the user may read what an entity stands for."""
        return self.user.permissions.check_entity(entity_id or "", POLICY_READ)

    def controls(self, entity_id: str | None) -> bool:
        """Return if the user may control what an entity stands for."""
        return self.user.permissions.check_entity(entity_id or "", POLICY_CONTROL)

    def has(self, action: Action, areas: Collection[str | None]) -> bool:
        """Return if providers let the user do something in all of these areas."""
        given = self.rights.get(action, ())
        return given is None or all(area_id in given for area_id in areas)

    def people(self, rows: Mapping[str, Any]) -> set[str]:
        """Return the ids in a row of those whose names the user may be shown."""
        may_read = self.has(Action.READ, [rows["area_id"]])
        return {who for who in people(rows) if may_read or who == self.user.id}

    def told(self, alarm: Alarm, area_id: str | None) -> list[dict[str, Any]]:
        """Return what has happened to an alarm, with what people wrote if the user may read it.

        What the user has written is no secret to them.
        """
        may_read = self.has(Action.READ, [area_id])
        return [
            item
            if may_read or item.get("who") == self.user.id
            else {key: value for key, value in item.items() if key != "text"}
            for item in alarm.timeline
        ]


def view(hass: HomeAssistant, incident: Incident) -> View:
    """Return an incident with its supplies."""
    found = View(incident, list(_places(hass, incident)))
    for place in found.supplies:
        if device := place.device:
            keys = found.watched.setdefault(device.uid, set())
            loads = hass.data[DATA_HOUSE].cut_off.loads(device, place.supply.key)
            keys |= {place.supply.key, *loads}
    for alarm in incident.open:
        if device := _device(hass.data[DATA_HOUSE], alarm.device):
            keys = found.watched.setdefault(device.uid, set())
            keys |= set(_measured(device, alarm))
    return found


def supplies_to_cut(hass: HomeAssistant, incident: Incident) -> list[Found]:
    """Return every supply of an incident's place, protected ones too."""
    target = (
        {"area_id": [incident.area_id]}
        if incident.area_id
        else {"device_id": [row.device_id for row in incident.open if row.device_id]}
    )
    return find_supplies(hass, target)


def supplies_to_restore(hass: HomeAssistant, incident: Incident) -> list[Found]:
    """Return every supply that is off for an incident.

    While its hazard is there, those that are protected loads by now, if there are any.
    """
    house = hass.data[DATA_HOUSE]
    latches = _latches(house, incident)
    free = [latch for latch in latches if _may_close(house, incident, latch)]
    return [find_supply(hass, latch.supply) for latch in free or latches]


def supplies_kept_off(hass: HomeAssistant, incident: Incident) -> list[Found]:
    """Return every supply that is off for an incident until a person restores it."""
    house = hass.data[DATA_HOUSE]
    return [
        find_supply(hass, latch.supply)
        for latch in _latches(house, incident)
        if not house.cut_off.spares(latch)
    ]


def row(
    hass: HomeAssistant, seen: View, reader: Reader, *, whole: bool = False
) -> dict[str, Any] | None:
    """Return an incident as a user may read it, None if nothing of it.

    `whole` is with the timelines of its alarms.
    """
    incident = seen.incident
    alarms = [
        alarm
        for alarm in incident.alarms.values()
        if may(hass, reader.user, alarm, POLICY_READ)
    ]
    if not alarms:
        return None
    house = hass.data[DATA_HOUSE]
    supplies = [
        _supply(house, incident, place)
        for place in seen.supplies
        if reader.reads(place.entity_id)
    ]
    last = max(
        ({**item, "alarm_id": alarm.id} for alarm in alarms for item in alarm.timeline),
        key=lambda item: item["at"],
        default={},
    )
    return {
        "incident_id": incident.id,
        "area_id": incident.area_id,
        "drill": incident.drill,
        "rank": incident.rank.name.lower(),
        "present": incident.present,
        "acknowledged": incident.acknowledged,
        "raised_at": incident.raised_at,
        "alarms": [
            {
                **describe(hass, alarm),
                "rank": rank(alarm).name.lower(),
                "acknowledged_by": acknowledged_by(alarm),
                "calls": alarm.calls,
                "shelved_until": alarm.shelved_until,
                "values": _values(house, alarm),
                **({"timeline": reader.told(alarm, incident.area_id)} if whole else {}),
            }
            for alarm in alarms
        ],
        "supplies": supplies,
        # What was said is for who opens the incident.
        "last": {
            key: last[key] for key in ("at", "what", "who", "alarm_id") if key in last
        },
        "may": _offers(hass, seen, reader),
    }


def kept_off(hass: HomeAssistant, reader: Reader) -> list[dict[str, Any]]:
    """Return the supplies that are off for no incident, as a user may read them."""
    house = hass.data[DATA_HOUSE]
    known = house.book.incidents.alarm
    return [
        {
            "supply_id": latch.supply.id,
            "device_id": place.device_id,
            "name": place.name,
            "channel": latch.key.partition("_")[2],
            "area_id": place.area_id,
            "proven": latch.proven,
            "reason": latch.reason,
            "at": latch.at,
            "who": latch.who,
        }
        for latch in house.latches.rows.values()
        if not any(known(alarm_id) for alarm_id in latch.alarms)
        and reader.reads((place := find_supply(hass, latch.supply)).entity_id)
    ]


def people(rows: Mapping[str, Any]) -> set[str]:
    """Return the ids of who did something, anywhere in a row."""
    found: set[str] = set()
    for key, value in rows.items():
        if key in ("who", "acknowledged_by") and value:
            found.add(value)
        elif isinstance(value, dict):
            found |= people(value)
        elif isinstance(value, list):
            found |= {
                who for item in value if isinstance(item, dict) for who in people(item)
            }
    return found


def _places(hass: HomeAssistant, incident: Incident) -> Iterator[Found]:
    house = hass.data[DATA_HOUSE]
    latched = {latch.supply.id: latch.supply for latch in _latches(house, incident)}
    if incident.rank in LIFE or latched:
        for item in supplies_to_cut(hass, incident):
            latched.pop(item.supply.id, None)
            yield item
    # What is off for it elsewhere.
    for supply in latched.values():
        yield find_supply(hass, supply)


def _latches(house: House, incident: Incident) -> list[Latch]:
    return house.latches.of_alarms(incident.alarms)


def _may_close(house: House, incident: Incident, latch: Latch) -> bool:
    """Return if nothing is in the way of restoring a supply."""
    return not incident.present or house.cut_off.spares(latch)


def _supply(house: House, incident: Incident, place: Found) -> dict[str, Any]:
    device, supply = place.device, place.supply
    latch = house.latches.get(supply)
    loads: dict[str, float] = {}
    if device and device.available:
        loads = house.cut_off.loads(device, supply.key)
    flows: dict[str, float] = {}
    for key, value in loads.items():
        name = device.points[key].measurement.key if device else key
        flows[name] = max(value, flows.get(name, 0))
    state = _state(house, incident, place)
    return {
        "supply_id": supply.id,
        "device_id": place.device_id,
        "name": place.name,
        "channel": supply.key.partition("_")[2],
        "area_id": place.area_id,
        "state": state,
        # A protected load that was closed by hand is not kept off.
        "latched": latch is not None and state is not State.PROTECTED,
        "restorable": latch is not None and _may_close(house, incident, latch),
        # In amperes and watts.
        "current": flows.get("current"),
        "power": flows.get("power"),
        "milliseconds": latch.milliseconds if latch else None,
        "reason": latch.unproven if latch and state is State.MAY_BE_ON else None,
        "at": latch.at if latch else None,
        "who": latch.who if latch else None,
        # Until a day, in ISO 8601; `is_due`: that has come.
        "left": asdict(latch.left) if latch and latch.left else None,
    }


def _state(house: House, incident: Incident, place: Found) -> State:
    device, supply = place.device, place.supply
    latch = house.latches.get(supply)
    here = device if device and device.available else None
    closed = here.readings.get(supply.key) if here else None
    if latch is None or (closed and house.cut_off.spares(latch)):
        protected = house.settings_of(supply.uid).is_protected(supply.key)
        if protected is not False:
            return State.PROTECTED if protected else State.UNKNOWN
        if incident.drill:
            return State.DRILL
        if here is None or closed is None:
            return State.UNKNOWN
        if closed:
            return State.ON
        # A welded contact: the relay says off, and current flows.
        live = house.cut_off.is_live(here, supply.key)
        return State.MAY_BE_ON if live else State.OFF
    if latch.proven is False:
        return State.MAY_BE_ON
    if house.cut_off.is_cutting(supply):
        return State.CUTTING
    if not latch.proven or here is None:
        return State.UNKNOWN
    return State.RELAY_ONLY if latch.limit == Limit.RELAY_ONLY else State.PROVEN


def _offers(hass: HomeAssistant, seen: View, reader: Reader) -> dict[str, str | None]:
    """Return what a user may do about an incident: None, or the code of what is in the way.

    What is missing he may not, or there is nothing to do. It is asked for again where it
    is done.
    """
    house, incident = hass.data[DATA_HOUSE], seen.incident
    still_there = "still_present" if incident.present else None
    offers: dict[str, str | None] = {}
    alarms = incident.open or list(incident.alarms.values())
    areas = {describe(hass, alarm)["area_id"] for alarm in alarms}
    if all(may(hass, reader.user, alarm, POLICY_CONTROL) for alarm in alarms):
        if reader.has(Action.ACKNOWLEDGE, areas):
            offers["note"] = None
            if not incident.acknowledged:
                offers["acknowledge"] = None
        if reader.has(Action.RESET, areas) and any(
            row.latches for row in incident.open
        ):
            offers["reset"] = still_there
        if not incident.drill and reader.has(Action.SHELVE, areas):
            if incident.rank in SHELVABLE:
                offers["shelve"] = None
            if any(row.shelved_until is not None for row in incident.open):
                offers["unshelve"] = None
        if incident.drill and reader.has(Action.SELF_TEST, areas):
            offers["end_drill"] = None
        for command in (Action.SILENCE, Action.RELEASE):
            if reader.has(command, areas) and any(
                command in device.commands
                for alarm in incident.open
                if (device := _device(house, alarm.device))
            ):
                offers[command] = None
    places = seen.supplies
    if (
        any(_state(house, incident, place) in STATES_TO_CUT for place in places)
        and not incident.drill
        and incident.rank in LIFE
        and _may_switch(reader, Action.CUT_OFF, places)
    ):
        offers["cut_off"] = None
    mine = {latch.supply.id: latch for latch in _latches(house, incident)}
    off = [place for place in places if place.supply.id in mine]
    if off and _may_switch(reader, Action.RESTORE, off):
        # What is behind a gateway that is away cannot be told to close.
        if any(place.here for place in off):
            free = any(_may_close(house, incident, latch) for latch in mine.values())
            offers["restore"] = None if free else still_there
        # While it burns nobody thinks of another day.
        if not incident.present and not all(map(house.cut_off.spares, mine.values())):
            offers["leave_off"] = None
    return offers


def _may_switch(reader: Reader, action: Action, places: list[Found]) -> bool:
    """Return if a user may switch all of these supplies: it is done to all or to none."""
    return reader.has(action, {place.area_id for place in places}) and all(
        reader.controls(place.entity_id) for place in places
    )


def acknowledged_by(alarm: Alarm) -> str | None:
    """Return the id of who has seen an alarm, None if nobody or an automation."""
    if alarm.acknowledged_at is None:
        return None
    return next(
        (
            item.get("who")
            for item in reversed(alarm.timeline)
            if item["what"] == Change.ACKNOWLEDGED
        ),
        None,
    )


def _values(house: House, alarm: Alarm) -> list[dict[str, Any]]:
    """Return the numbers behind a hazard as they are now."""
    device = _device(house, alarm.device)
    if device is None or not device.available:
        return []
    return [
        {
            "key": device.points[key].measurement.key,
            "value": device.readings[key],
            "unit": device.points[key].measurement.unit,
        }
        for key in _measured(device, alarm)
        if key in device.readings
    ]


def _measured(device: SafetyDevice, alarm: Alarm) -> Iterator[str]:
    """Yield the keys of the numbers that a hazard is made of."""
    for hazard in device.kind.hazards:
        if hazard.key == alarm.hazard:
            for name in dict.fromkeys(level.measurement for level in hazard.levels):
                for key in device.by_measurement.get(name, ()):
                    if device.points[key].is_number:
                        yield key


def _device(house: House, uid: str) -> SafetyDevice | None:
    found = house.device(uid)
    return found[1] if found else None
