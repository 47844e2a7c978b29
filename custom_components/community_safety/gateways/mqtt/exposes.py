"""From what a Zigbee2MQTT device exposes to our kind, readings and commands.

https://www.zigbee2mqtt.io/guide/usage/exposes.html is the format. Nothing here knows a
model: the two tables say what a property means to us, `_kind` says what the set of them
makes of a device. A device is compiled once; after that a message is dictionary look-ups.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
import re
from typing import Any

from ...catalogue import DEVICE_KINDS
from ...catalogue.measurements import MEASUREMENTS, Value, parse_point, point_key
from ..base import NONE
from ..units import FACTORS, MOST_AIR_PRESSURE, Convert, converter

#: Bits of `access`.
PUBLISHED, SETTABLE, GETTABLE = 1, 2, 4


@dataclass(frozen=True, slots=True)
class _Row:
    """A measurement and the properties that carry it, the best first.

    `on` are the words that mean on; a value that contains one counts. With `any_word`
    every value does that is not known to be calm: firmware invents faults of its own. A
    row with `kinds` is for those kinds of device alone, one with `described` for devices
    whose description says so. With `unit_needed` a property without a unit, with
    `words_only` a binary one is something else of the same name.
    """

    measurement: str
    properties: tuple[str, ...]
    on: tuple[str, ...] = ()
    any_word: bool = False
    kinds: tuple[str, ...] = ()
    described: re.Pattern[str] | None = None
    unit_needed: bool = False
    words_only: bool = False


EXPOSED_READINGS = (
    _Row(
        "smoke",
        ("smoke", "smoke_state", "smoke_alarm", "smoke_alarm_1", "smoke_alarm_2"),
        on=("alarm", "smoke", "fire"),
    ),
    # Detectors of which Zigbee2MQTT knows no more than that they raise an alarm, on either
    # bit of their IAS zone (Koenkk/zigbee-herdsman-converters#2889).
    _Row(
        "smoke",
        ("alarm_1", "alarm_2", "alarm"),
        described=re.compile(r"smoke|fire|heat (alarm|detector|sensor)", re.IGNORECASE),
    ),
    # What else a detector calls for help for. We have no alarm of its own for it.
    _Row(
        "smoke",
        ("alarm_state", "fire", "fire_alarm", "heat", "heat_alarm", "carbon_monoxide"),
        on=("alarm", "fire"),
        kinds=("smoke_sensor",),
    ),
    _Row("smoke_density", ("smoke_density_dbm",), unit_needed=True),
    _Row("conductor_temperature", ("temperature", "device_temperature")),
    _Row("temperature", ("temperature",)),
    # In a socket the electronics sit beside the contacts that get hot.
    _Row("temperature", ("device_temperature",), kinds=("charging_pile",)),
    _Row("battery", ("battery",)),
    _Row("battery_low", ("battery_low", "battery_state", "battery_level"), on=("low",)),
    _Row("link_quality", ("linkquality",)),
    _Row("tamper", ("tamper",)),
    _Row("test", ("test",)),
    _Row(
        "self_test_failed",
        (
            "self_test_result",
            "test_alarm_result",
            "checking_result",
            "halo_test_result",
            "self_test",
        ),
        on=("fail",),
        words_only=True,
    ),
    _Row("trouble", ("trouble", "fault_alarm", "device_fault"), any_word=True),
    _Row(
        "trouble",
        ("fault", "faults", "fault_state"),
        any_word=True,
        kinds=("smoke_sensor", "water_tank", "hydrant"),
    ),
    # A pile has no hazard for what its own protection finds: a fault, at least.
    _Row(
        "trouble",
        (
            "fault",
            "faults",
            "alarm",
            "alarms",
            "alarm_active",
            "emergency_overcurrent",
            "emergency_overheat",
            "emergency_overvoltage",
            "overload_protection",
        ),
        any_word=True,
        kinds=("charging_pile",),
    ),
    # Of a breaker these say that its own protection has acted. What it calls a fault is
    # one whatever the word: Tuya's are ov_cr, ov_vol, miss_phase_alarm …
    _Row(
        "tripped",
        ("trip", "event", "last_event"),
        on=("trip", "threshold", "alarm", "fault"),
        kinds=("breaker_monitor",),
    ),
    _Row(
        "tripped",
        (
            "faults",
            "fault",
            "alarm",
            "alarms",
            "power_alarm",
            "power_alarm_active",
            "overload_protection",
            "high_temperature",
        ),
        any_word=True,
        kinds=("breaker_monitor",),
    ),
    _Row("current", ("current",)),
    _Row("voltage", ("voltage",)),
    _Row("power", ("power", "active_power")),
    _Row("energy", ("energy", "total_energy", "consumed_energy", "energy_wh")),
    _Row("residual_current", ("leakage_current", "leakage", "residual_current")),
    _Row("plugged", ("consumer_connected", "ev_connected", "is_plug_connected")),
    _Row("session_energy", ("session_energy",)),
    _Row("session_duration", ("charging_duration",), unit_needed=True),
    _Row("level", ("liquid_level_percent", "tank_level", "filling", "water_level")),
    _Row("level_height", ("liquid_depth", "water_level"), unit_needed=True),
    _Row("pressure", ("pressure", "bar", "Bar", "psi"), unit_needed=True),
)

#: Measurements that several properties may carry: any of them is enough.
MERGED = {"smoke", "tripped", "trouble", "tamper", "battery_low", "self_test_failed"}

#: Our commands: settable properties, with the values that mean "do it", the best first.
#: `alarm` alone mostly switches the siren off for good, which nobody may do from here.
EXPOSED_COMMANDS: dict[str, dict[str, tuple[str, ...]]] = {
    "silence": {
        "silence": ("ON",),
        "silence_siren": (),
        "temporary_mute": ("mute",),
        "hush": ("hush",),
        "mute": (),
        "buzzer": ("mute",),
        "alarm": ("stop",),
    },
    "self_test": {
        "self_test": ("test",),
        "selftest": ("selftest", ""),
        "self_checking": (),
        "trigger_selftest": ("test",),
        "test_alarm": (),
        "leakage_test": (),
    },
}

#: Words that say that nothing is wrong, and those that say that nothing is known.
_CALM = frozenset(
    {
        *("", "0", "false", "off", "no", "none", "normal", "clear", "cleared", "ok"),
        *("idle", "safe", "inactive", "no_alarm", "no alarm", "no_fault", "no fault"),
        *("not_set", "ready", "success", "no_fault_detected"),
    }
)
_ALERT = frozenset(
    {
        "1",
        "true",
        "on",
        "yes",
        "active",
        "alarm",
        "alarmed",
        "detected",
        "fire",
        "smoke",
    }
)
_UNKNOWN = frozenset({"unknown", "unavailable", "others"})

#: A generated definition names a property by description and unit: `residual_current_(ma)`.
_NAME_WITH_UNIT = re.compile(r"(?P<name>.+?)_?\((?P<unit>[^()]+)\)(?P<more>_\w+)?")

_SUFFIX = re.compile(
    r"(?P<name>.+?)_(?P<suffix>phase_[abc]|[abc]|[XYZ]|l\d|[1-9]\d?|left|center|right)"
)
_PHASES = {
    **dict.fromkeys(("l1", "a", "phase_a", "X"), "l1"),
    **dict.fromkeys(("l2", "b", "phase_b", "Y"), "l2"),
    **dict.fromkeys(("l3", "c", "phase_c", "Z"), "l3"),
}
_SOCKET_NUMBER = re.compile(r"[1-9]\d?")

#: Things that have other uses than house, whatever they measure beside it.
_OTHER_DEVICES = {"light", "climate", "cover", "fan", "lock"}
#: A siren that is told of smoke, and senses none itself.
_SIREN = "squawk"
#: Properties of breakers: what sockets, which also limit their load, do not have.
_PROTECTION = re.compile(
    r"(over_?current|leakage|under_voltage|high_temperature)_(threshold|breaker|setting|trip)"
    r"|(current|leakage)_recloser|auto_reclosing|^current_threshold"
)
#: What tells an appliance that knows its own power from a meter.
_APPLIANCES = {"pilot_wire_mode", "pilot_wire_relay_mode", "device_mode", "action"}
_WATER_PRESSURE = {"bar", "Bar", "psi", "MPa"}
_METERED = {"current", "power", "energy"}

# The last resort: a socket, a relay on a DIN rail and a light switch with a meter expose
# the very same properties, and only a socket or a breaker may be cut off.
_SOCKET_WORDS = re.compile(
    r"plug\b|socket|outlet|power strip|receptacle|\bgpo\b|charger", re.IGNORECASE
)
_BREAKER_WORDS = re.compile(
    r"breaker|\bdin\b|\bdinrail\b|\brcbo\b|circuit switch|contactor"
    r"|(energy|electricity) (meter|monitor)\b",
    re.IGNORECASE,
)
#: What these raise an alarm of is no hazard of ours.
_OTHER_ALARMS = re.compile(
    r"door|window|opening|motion|presence|occupancy|siren|sound|leak|valve|water(ing)? kit",
    re.IGNORECASE,
)
_WATER_WORDS = re.compile(r"water\b.*\bpressure", re.IGNORECASE)

#: What a person wrote into the description that Zigbee2MQTT keeps for a device.
_CHOSEN = re.compile(r"\bsafety\s*[:=]\s*(?P<kind>[a-z_]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Command:
    """How something is set: the property, and its values (for a button, `on` alone)."""

    property: str
    on: object
    off: object = None


@dataclass(frozen=True, slots=True)
class Interpretation:
    """A device, compiled.

    `readings` has, by property, our reading and its conversion; `siblings` are the
    properties of a reading that several carry. `exposed` and `settable` are properties,
    `gettable` has them by the readings that can be asked for.
    """

    kind: str
    readings: Mapping[str, tuple[str, Convert]]
    commands: Mapping[str, Command] = field(default_factory=dict)
    gettable: Mapping[str, str] = field(default_factory=dict)
    siblings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exposed: frozenset[str] = frozenset()
    settable: frozenset[str] = frozenset()

    @property
    def points(self) -> frozenset[str]:
        """Return the names of the readings."""
        return frozenset(key for key, _convert in self.readings.values())


@dataclass(frozen=True, slots=True)
class _Feature:
    """One property: its name without the endpoint, and the endpoint's name."""

    name: str
    suffix: str
    group: str
    raw: Mapping[str, Any]

    @property
    def key(self) -> str:
        return str(self.raw["property"])

    @property
    def access(self) -> int:
        return int(self.raw.get("access", PUBLISHED))


_UNITS = {unit.lower(): unit for factors in FACTORS.values() for unit in factors}
_KNOWN = {name for row in EXPOSED_READINGS for name in row.properties} | {"state"}


def compile_device(
    definition: Mapping[str, Any], note: str = "", chosen: str | None = None
) -> Interpretation | None:
    """Return what a device is to us, None if it is none of ours.

    `definition` is the one in `bridge/devices`. `note` is the user's description of the
    device: "safety: hydrant" in it chooses the kind, "safety: none" leaves it out. What a
    person has `chosen` here is worth more.
    Raises KeyError, TypeError, ValueError or AttributeError for a malformed definition.
    """
    chosen = chosen or chosen_kind(note)
    description = str(definition.get("description"))
    features = list(_flatten(definition["exposes"]))
    supplies = _supplies(features)
    found = [
        (row, feature, convert)
        for row in EXPOSED_READINGS
        for name in row.properties
        for feature in features
        if feature.name == name and (convert := _converter(row, feature))
        if not row.described
        or (chosen == "smoke_sensor" and not feature.access & SETTABLE)
        or row.described.search(description)
    ]
    kind = chosen or _kind(
        {row.measurement for row, *_ in found if not row.kinds},
        features,
        supplies,
        description,
    )
    if kind is None or kind == NONE:
        return None

    measurements = set(DEVICE_KINDS[kind].measurements)
    if not supplies:
        measurements.discard("supply")
    channels = _Channels(features, supplies)
    readings: dict[str, tuple[str, Convert]] = {}
    carriers: dict[str, list[str]] = {}
    commands = dict(_buttons(features, DEVICE_KINDS[kind].buttons))
    gettable: dict[str, str] = {}

    def take(feature: _Feature, measurement: str, convert: Convert) -> str | None:
        channel = channels.of(feature)
        key = point_key(measurement, channel or "")
        if channel is None or feature.key in readings:
            return None
        if key in carriers and (measurement not in MERGED or feature.access & SETTABLE):
            return None
        carriers.setdefault(key, []).append(feature.key)
        readings[feature.key] = (key, convert)
        if feature.access & GETTABLE:
            gettable.setdefault(key, feature.key)
        return key

    for feature in supplies if "supply" in measurements else ():
        on, off = feature.raw["value_on"], feature.raw["value_off"]
        if key := take(feature, "supply", _relay(on, off)):
            commands[key] = Command(feature.key, on, off)
    for row, feature, convert in found:
        if row.measurement in measurements and (not row.kinds or kind in row.kinds):
            take(feature, row.measurement, convert)
    if not carriers.keys() - {"link_quality"}:
        return None
    return Interpretation(
        kind,
        readings,
        commands,
        gettable,
        siblings={
            key: tuple(names) for key, names in carriers.items() if len(names) > 1
        },
        exposed=frozenset(
            feature.key for feature in features if feature.access & PUBLISHED
        ),
        settable=frozenset(
            feature.key for feature in features if feature.access & SETTABLE
        ),
    )


def may_speak_of_danger(definition: Mapping[str, Any]) -> bool:
    """Return if a device of no certain kind may raise an alarm, or cut a supply off.

    Raises what compile_device raises.
    """
    groups = {str(item["type"]) for item in definition["exposes"]}
    if _OTHER_DEVICES & groups or _OTHER_ALARMS.search(
        str(definition.get("description"))
    ):
        return False
    measured = {
        parse_point(key).measurement.key
        for kind in ("smoke_sensor", "breaker_monitor")
        if (found := compile_device(definition, chosen=kind))
        for key in found.points
    }
    return bool(
        measured & {"smoke", "residual_current"}
        or ("supply" in measured and measured & _METERED)
    )


def names_danger(names: Iterable[str]) -> bool:
    """Return if a message of a device that nobody knows has a property of danger."""
    dangers = {"smoke", "residual_current", "tripped"}
    plain = {
        match["name"] if (match := _NAME_WITH_UNIT.fullmatch(name)) else name
        for name in names
    }
    return any(
        not plain.isdisjoint(row.properties)
        for row in EXPOSED_READINGS
        if row.measurement in dangers
    )


def chosen_kind(note: str) -> str | None:
    """Return the kind that a person chose, NONE for none of ours, None for no choice.

    Raises ValueError for a kind that does not exist.
    """
    if not (found := _CHOSEN.search(note)):
        return None
    kind = found["kind"].lower()
    if kind != NONE and kind not in DEVICE_KINDS:
        raise ValueError("safety: no such kind of device")
    return kind


def _flatten(exposes: list[dict[str, Any]]) -> Iterator[_Feature]:
    """Yield every property; a composite is one, a switch or a light has its features."""
    for item in exposes:
        is_one = "property" in item
        for raw in (item,) if is_one else item.get("features", ()):
            if "property" not in raw:
                continue
            name, suffix = raw["name"], ""
            if match := _NAME_WITH_UNIT.fullmatch(name):
                name = match["name"] + (match["more"] or "")
                raw = {**raw, "unit": _unit(raw.get("unit") or match["unit"])}
            if raw["property"] != name and raw.get("endpoint"):
                suffix = str(raw["endpoint"])
            elif name not in _KNOWN and (match := _SUFFIX.fullmatch(name)):
                if match["name"] in _KNOWN:
                    name, suffix = match["name"], match["suffix"]
            yield _Feature(name, suffix, "" if is_one else str(item["type"]), raw)


def _unit(written: str) -> str:
    """Return a unit as it is written properly: a generated name has small letters."""
    return _UNITS.get(written.lower(), written)


def _supplies(features: list[_Feature]) -> list[_Feature]:
    """Return the relays. A USB port or the light beside a socket is none."""
    found = {
        feature.key: feature
        for feature in features
        if feature.name == "state"
        and feature.group in ("switch", "")
        and feature.raw["type"] == "binary"
        and feature.access & SETTABLE
        and feature.suffix not in ("usb", "light", "master")
    }
    return list(found.values())


class _Channels:
    """Says which channel a property belongs to."""

    def __init__(self, features: list[_Feature], supplies: list[_Feature]) -> None:
        """Initialize: several relays are numbered in their order, one has no number."""
        self._relays = {
            feature.suffix: str(number) if len(supplies) > 1 else ""
            for number, feature in enumerate(supplies, 1)
            if feature.suffix
        }
        self._suffixes: dict[str, set[str]] = {}
        for feature in features:
            self._suffixes.setdefault(feature.name, set()).add(feature.suffix)

    def of(self, feature: _Feature) -> str | None:
        """Return the channel, "" for the whole device, None for none of ours."""
        suffix, siblings = feature.suffix, self._suffixes[feature.name]
        if suffix in self._relays:
            return self._relays[suffix]
        if not suffix:
            # Where phase b has a name, the one without a name is phase a.
            is_first = "phase_b" in siblings and "phase_a" not in siblings
            return "l1" if is_first else ""
        if len(siblings) == 1:
            return ""
        if phase := _PHASES.get(suffix):
            return phase
        return suffix if _SOCKET_NUMBER.fullmatch(suffix) else None


def _kind(
    measured: set[str],
    features: list[_Feature],
    supplies: list[_Feature],
    description: str,
) -> str | None:
    """Propose a kind from what is exposed."""
    names = {feature.name for feature in features}
    if "smoke" in measured and _SIREN not in names:
        return "smoke_sensor"
    if _OTHER_DEVICES & {feature.group for feature in features}:
        return None
    if measured & {"level", "level_height"}:
        return "water_tank"
    if any(_is_water_pressure(feature, names) for feature in features) or (
        "pressure" in measured and _WATER_WORDS.search(description)
    ):
        return "hydrant"
    is_metered = bool(measured & _METERED)
    if "plugged" in measured and is_metered:
        return "charging_pile"
    phases = {
        feature.suffix
        for feature in features
        if feature.name == "current" and feature.suffix in ("", *_PHASES)
    }
    if (
        "residual_current" in measured
        or any(_PROTECTION.search(name) for name in names)
        or (len(phases) > 1 and len(supplies) == 1)
    ):
        return "breaker_monitor"
    if is_metered and _SOCKET_WORDS.search(description):
        return "charging_pile"
    if not supplies:
        is_meter = measured & {"current", "power"} and not names & _APPLIANCES
        return "breaker_monitor" if is_meter else None
    return "breaker_monitor" if _BREAKER_WORDS.search(description) else None


def _is_water_pressure(feature: _Feature, names: set[str]) -> bool:
    """Return if a pressure is that of water in a pipe, and not of the air."""
    if feature.name not in ("pressure", "bar", "Bar", "psi"):
        return False
    unit = feature.raw.get("unit")
    most = feature.raw.get("value_max")
    return (
        unit in _WATER_PRESSURE
        or bool(names & _WATER_PRESSURE)
        or bool(most and most * FACTORS["kPa"].get(unit or "", 0) > MOST_AIR_PRESSURE)
    )


def _buttons(
    features: list[_Feature], wanted: tuple[str, ...]
) -> Iterator[tuple[str, Command]]:
    settable = {
        feature.key: feature.raw for feature in features if feature.access & SETTABLE
    }
    for command, properties in EXPOSED_COMMANDS.items():
        for name, values in properties.items():
            if command not in wanted or (raw := settable.get(name)) is None:
                continue
            if raw["type"] == "binary" and name != "alarm":
                yield command, Command(name, raw["value_on"])
                break
            offered = raw.get("values", ())
            value = next((item for item in values if item in offered), None)
            if value is not None:
                yield command, Command(name, value)
                break


def _converter(row: _Row, feature: _Feature) -> Convert | None:
    """Return what makes a measurement's value of a property's, None if nothing does."""
    measurement, raw = MEASUREMENTS[row.measurement], feature.raw
    if not feature.access & PUBLISHED:
        return None
    if row.any_word and feature.access & SETTABLE:
        return None  # A limit or a switch of that protection.
    match raw["type"]:
        case "numeric" if measurement.is_number:
            unit = raw.get("unit") or ("" if row.unit_needed else measurement.unit)
            return converter(measurement.unit, unit)
        case "numeric" | "list" | "text" if row.any_word or (
            row.on and raw["type"] != "numeric"
        ):
            return _words(row, ())
        case "binary" if not measurement.is_number and not row.words_only:
            return _binary(raw["value_on"], raw["value_off"])
        case "enum" if row.any_word or any(
            word in str(value).lower() for word in row.on for value in raw["values"]
        ):
            return _words(row, raw["values"])
    return None


def _truth(value: object) -> bool | None:
    """Return what a value says in any of the clear words for yes and no."""
    word = str(value).strip().lower()
    return True if word in _ALERT else False if word in _CALM else None


def _relay(on: object, off: object) -> Convert:
    """Convert a state that is commanded too: it is the one or the other."""

    def convert(value: object) -> Value:
        if value == on:
            return True
        if value == off:
            return False
        raise ValueError("neither on nor off")

    return convert


def _binary(on: object, off: object) -> Convert:
    """Convert what should be `on` or `off`, but may be another word for yes or no.

    Definitions and converters disagree (Koenkk/zigbee-herdsman-converters#10552, #6351):
    ON, "true" and true are one. An inverted pair (on is false) stays inverted.
    """
    words = {str(off).strip().lower(): False, str(on).strip().lower(): True}
    is_inverted = _truth(on) is False and _truth(off) is True

    def convert(value: object) -> Value:
        if isinstance(value, (str, int, float)):
            if (known := words.get(str(value).strip().lower())) is not None:
                return known
            if (truth := _truth(value)) is not None:
                return truth is not is_inverted
        raise ValueError("neither on nor off")

    return convert


def _words(row: _Row, known: Iterable[object]) -> Convert:
    """Convert a word, a list of words, or a bit field of faults.

    `known` are the values that are declared; what is none of them and says nothing to us
    raises ValueError: it may be the danger.
    """
    declared = {str(value).strip().lower() for value in known}

    def convert(value: object) -> Value:
        if isinstance(value, list):
            return any([bool(convert(item)) for item in value])  # noqa: C419
        word = str(value).strip().lower()
        if not isinstance(value, (str, int, float)) or word in _UNKNOWN:
            raise ValueError("not known")
        if word in _CALM:
            return False
        if row.any_word or any(item in word for item in row.on) or word in _ALERT:
            return True
        if word in declared:
            return False
        raise ValueError("not one of its values")

    return convert
