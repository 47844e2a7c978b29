"""From what Home Assistant knows of a device's entities to our kind and readings.

Nothing here knows a model: device classes, units and names say what an entity measures.
What is found is a proposal for a form; what its installer has made of it counts.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
import re

from homeassistant.components.binary_sensor import (
    DOMAIN as BINARY_SENSOR,
    BinarySensorDeviceClass as Binary,
)
from homeassistant.components.button import DOMAIN as BUTTON
from homeassistant.components.sensor import (
    DOMAIN as SENSOR,
    SensorDeviceClass as Sensor,
)
from homeassistant.components.sensor.const import UNIT_CONVERTERS
from homeassistant.components.switch import DOMAIN as SWITCH
from homeassistant.const import (
    ATTR_DEVICE_CLASS,
    ATTR_UNIT_OF_MEASUREMENT,
    EntityCategory,
    Platform,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

from ...catalogue import CAMERA, CHOOSABLE_KINDS, DEVICE_KINDS, common
from ...catalogue.measurements import MEASUREMENTS, point_key
from ...core.device import DERIVED

#: Kinds that entities can be. A lift's door is held by what its camera sees, and for how
#: long, by a protocol of its own.
KINDS = (*CHOOSABLE_KINDS, CAMERA.key)
#: Readings that several entities may carry: any of them is enough.
MERGED = frozenset(
    {"smoke", "tripped", "trouble", "tamper", "battery_low", "test", "video_lost"}
)
#: Readings that a device may have for each phase or socket.
CHANNELLED = frozenset(
    {
        *("supply", "current", "voltage", "power", "energy", "residual_current"),
        *("session_energy", "session_duration", "plugged"),
        *("temperature", "conductor_temperature"),
    }
)
MOST_PHASES, MOST_SOCKETS = 3, 99
#: The integration of helpers that stand for several entities.
GROUP = "group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is known of one entity.

    `ref` names it for good: by its registry id, or by its entity id if it has none. `text`
    is its name; if it has none of its own, `is_named` is false and it is its device's.
    `part` is the phase or the number that it is of, "" for the whole device.
    """

    ref: str
    domain: str
    device_class: str | None
    unit: str | None
    text: str
    is_named: bool
    category: EntityCategory | None
    part: str


@dataclass(frozen=True, slots=True)
class _Row:
    """A measurement, and what an entity is that carries it.

    It has one of the device classes, and a name with the words, and none of those `but`.
    A row with `kinds` is for those alone, and tells nothing of what a device is.
    """

    measurement: str
    domain: str
    classes: tuple[str | None, ...]
    words: re.Pattern[str] | None = None
    but: re.Pattern[str] | None = None
    kinds: tuple[str, ...] = ()
    unitless: bool = False

    def fits(self, fact: Fact) -> bool:
        """Return if an entity carries the measurement."""
        return (
            fact.domain == self.domain
            and fact.device_class in self.classes
            and (self.words is None or bool(self.words.search(fact.text)))
            and not (self.but and fact.is_named and self.but.search(fact.text))
            and (
                not MEASUREMENTS[self.measurement].is_number
                or (
                    (fact.unit is None) is self.unitless
                    and converter(self.measurement, fact.unit) is not None
                )
            )
        )


@cache
def converter(measurement: str, unit: str | None) -> Callable[[float], float] | None:
    """Return what makes a number of ours of one with a unit, None if nothing does."""
    row = MEASUREMENTS[measurement]
    if row.unit in (None, unit):
        return float
    known = UNIT_CONVERTERS.get(row.sensor_class)
    if known and {unit, row.unit} <= known.VALID_UNITS:
        return known.converter_factory(unit, row.unit)
    return None


def _words(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


#: What a detector has heard of another one.
_OF_OTHERS = _words(r"interconnect|linked|remote alarm|联动|聯動")
_LEAKAGE = _words(r"leak|residual|earth fault|\brcd\b|漏电|漏電|剩余电流|剩餘電流")
_NO_LOAD = _words(
    r"neutral|returned|export|production|reactive|apparent|threshold|limit|\bmax|\bmin"
    r"|average|yesterday|today|battery|solar|\bpv\b"
)
_PROTECTION = _words(
    r"over[ -]?(power|load|current|voltage|heat|temp)|under[ -]?voltage|trip|leak|short"
    r"|phase loss|过流|过压|過流|過壓|跳闸|跳閘"
)
#: What of a device is none of its danger: its software and its connection.
_UPKEEP = _words(r"restart|update|cloud|network|wi-?fi|config|filter|mute|clean")
_CHIP = _words(r"\b(chip|cpu|mcu|processor|internal|esp32|device temperature)\b")
_LEVEL = _words(r"level|depth|tank|liquid|filling|水位|液位")
_WATER = _words(r"water|hydrant|pipe|sprinkler|\bmain|水|消防")
_SESSION = _words(r"session|charg|充电|充電")
_NO_SUPPLY = _words(
    r"child|lock|led\b|backlight|indicator|mute|siren|buzzer|sync|\busb|light|schedule"
    r"|restore|auto|identify|alarm|test"
)

_RECORDING = _words(r"\brecord|录像|錄影")
_OF_CAMERAS = (CAMERA.key,)

ROWS = (
    # As long as it is available there is a picture.
    _Row("video_lost", Platform.CAMERA, (None,), kinds=_OF_CAMERAS),
    _Row(
        "video_lost",
        BINARY_SENSOR,
        (None, Binary.PROBLEM),
        words=_words(r"video ?loss|no video|视频丢失|視訊遺失"),
        kinds=_OF_CAMERAS,
    ),
    *(
        _Row("recording", domain, classes, words=_RECORDING, kinds=_OF_CAMERAS)
        for domain, classes in (
            (BINARY_SENSOR, (None, Binary.RUNNING)),
            (SWITCH, (None, "switch")),
        )
    ),
    _Row(
        "oldest_recording",
        SENSOR,
        (Sensor.TIMESTAMP,),
        words=_words("oldest|最早"),
        kinds=_OF_CAMERAS,
        unitless=True,
    ),
    _Row("smoke", BINARY_SENSOR, (Binary.SMOKE,), but=_OF_OTHERS),
    # What else a detector calls for help for. We have no alarm of its own for it.
    _Row(
        "smoke",
        BINARY_SENSOR,
        (Binary.CO, Binary.GAS, Binary.HEAT),
        but=_OF_OTHERS,
        kinds=("smoke_sensor",),
    ),
    _Row("smoke_density", SENSOR, (None,), words=_words(r"smoke|obscuration|dimming")),
    _Row("tamper", BINARY_SENSOR, (Binary.TAMPER,)),
    _Row("battery_low", BINARY_SENSOR, (Binary.BATTERY,)),
    _Row("battery", SENSOR, (Sensor.BATTERY,)),
    _Row("test", BINARY_SENSOR, (None, Binary.RUNNING), words=_words(r"\btest|测试")),
    _Row(
        "self_test_failed", BINARY_SENSOR, (Binary.PROBLEM,), words=_words("self.?test")
    ),
    _Row(
        "tripped",
        BINARY_SENSOR,
        (Binary.PROBLEM, Binary.SAFETY, Binary.HEAT),
        words=_PROTECTION,
        kinds=("breaker_monitor",),
    ),
    _Row("trouble", BINARY_SENSOR, (Binary.PROBLEM,), but=_UPKEEP),
    _Row("plugged", BINARY_SENSOR, (Binary.PLUG,)),
    _Row("residual_current", SENSOR, (Sensor.CURRENT,), words=_LEAKAGE),
    _Row("current", SENSOR, (Sensor.CURRENT,), but=_NO_LOAD),
    _Row("voltage", SENSOR, (Sensor.VOLTAGE,), but=_NO_LOAD),
    _Row("power", SENSOR, (Sensor.POWER,), but=_NO_LOAD),
    _Row("session_energy", SENSOR, (Sensor.ENERGY,), words=_SESSION),
    _Row("energy", SENSOR, (Sensor.ENERGY,), but=_NO_LOAD),
    _Row("session_duration", SENSOR, (Sensor.DURATION,), words=_SESSION),
    # Beside the contacts, the electronics are as hot as these.
    _Row(
        "conductor_temperature",
        SENSOR,
        (Sensor.TEMPERATURE,),
        kinds=("breaker_monitor",),
    ),
    _Row("temperature", SENSOR, (Sensor.TEMPERATURE,), kinds=("charging_pile",)),
    _Row("temperature", SENSOR, (Sensor.TEMPERATURE,), but=_CHIP),
    _Row("level", SENSOR, (None,), words=_LEVEL, but=_words("battery")),
    _Row("level_height", SENSOR, (Sensor.DISTANCE,), words=_LEVEL),
    _Row("pressure", SENSOR, (Sensor.PRESSURE,), words=_WATER),
    _Row("pressure", SENSOR, (Sensor.PRESSURE,), kinds=("hydrant",)),
    _Row("signal_strength", SENSOR, (Sensor.SIGNAL_STRENGTH,)),
    _Row(
        "link_quality",
        SENSOR,
        (None,),
        words=_words(r"\blqi\b|link ?quality"),
        unitless=True,
    ),
    _Row("supply", SWITCH, (None, "switch", "outlet"), but=_NO_SUPPLY),
)
#: Our commands: buttons by their names, the first that is there.
BUTTONS = {
    "silence": _words(r"(?<!un)\bmute|silence|hush|消音|静音|靜音"),
    "self_test": _words(r"self[ -]?test|remote test|自检|自檢"),
}

#: Pressures that no weather has, and the units of those that are measured in pipes.
_PIPE_UNITS = {"bar", "psi", "MPa"}
#: Things that have other uses than safety, whatever they measure beside it.
_OTHER_DOMAINS = {"light", "climate", "cover", "fan", "lock", "vacuum", "humidifier"}
_METERED = {"current", "power"}
_SOCKET = _words(r"plug\b|socket|outlet|power strip|charger|插座|插排|充电桩|充電樁")
_BREAKER = _words(r"breaker|\bdin\b|\brcbo\b|contactor|断路器|斷路器|空开|空開|接触器")
_PHASE = _words(r"\bphase ?([abc123])\b|\bl([123])\b|(?<![a-z])([abc])相")
_NUMBER = _words(
    r"(?:switch|relay|output|outlet|socket|channel|plug|port)[ :]?(\d{1,2})\b"
)
_LAST_NUMBER = re.compile(r"\b(\d{1,2})$")


@callback
def facts_of_device(hass: HomeAssistant, device_id: str) -> list[Fact]:
    """Return what is known of a device's entities, with those of its parts."""
    devices, entities = dr.async_get(hass), er.async_get(hass)
    main = devices.async_get(device_id)
    if main is None:
        return []
    found: list[Fact] = []
    for device in (main, *_parts(devices, main)):
        name = (device.name_by_user or device.name or "").removeprefix(main.name or "")
        found += (
            _fact(entry, name if device is not main else "")
            for entry in er.async_entries_for_device(entities, device.id)
            # A helper that somebody has put there hides which of its members is away.
            if entry.platform != GROUP
        )
    return found


def _parts(
    devices: dr.DeviceRegistry, main: dr.DeviceEntry | dr.ChildDeviceEntry
) -> Iterator[dr.DeviceEntry | dr.ChildDeviceEntry]:
    """Yield the devices that a device is made of, and not those behind a hub."""
    yield from dr.async_entries_for_parent_device(devices, main.id)
    begins = tuple(value for _domain, value, *_ in main.identifiers)
    for device in dr.async_entries_for_config_entry(devices, main.config_entry_id):
        if device.via_device_id == main.id and any(
            value.startswith(begins) for _domain, value, *_ in device.identifiers
        ):
            yield device


@callback
def facts_of_entities(hass: HomeAssistant, entity_ids: Iterable[str]) -> list[Fact]:
    """Return what is known of entities, whether they are registered or not."""
    registry = er.async_get(hass)
    found = []
    for entity_id in entity_ids:
        if entry := registry.async_get(entity_id):
            found.append(_fact(entry, ""))
        elif state := hass.states.get(entity_id):
            text = _plain(state.name)
            found.append(
                Fact(
                    ref=entity_id,
                    domain=state.domain,
                    device_class=state.attributes.get(ATTR_DEVICE_CLASS),
                    unit=state.attributes.get(ATTR_UNIT_OF_MEASUREMENT),
                    text=text,
                    is_named=True,
                    category=None,
                    part=_part(text, ""),
                )
            )
    return found


def _fact(entry: er.RegistryEntry, part: str) -> Fact:
    names = (part, entry.translation_key, entry.name, entry.original_name)
    own = _plain(" ".join(name for name in names if name))
    of_device = _plain(entry.entity_id.partition(".")[2])
    return Fact(
        ref=entry.id,
        domain=entry.domain,
        device_class=entry.device_class or entry.original_device_class,
        unit=entry.unit_of_measurement,
        text=own or of_device,
        is_named=bool(own),
        category=entry.entity_category,
        part=_part(own, entry.unique_id) or _part(of_device, ""),
    )


def _plain(text: str) -> str:
    return re.sub(r"[_\s]+", " ", text).strip().lower()


def _part(text: str, unique_id: str) -> str:
    """Return the phase, or the number, that names speak of."""
    if match := _PHASE.search(text):
        return f"l{'abc123'.index(next(filter(None, match.groups()))) % 3 + 1}"
    for found in (
        _NUMBER.search(text),
        _NUMBER.search(unique_id),
        _LAST_NUMBER.search(text),
    ):
        if found:
            return found[1]
    return ""


def propose_kind(facts: Sequence[Fact], about: str) -> str | None:
    """Return what a device seems to be, None if that cannot be told.

    `about` is what its maker and its user call it.
    """
    rows = [
        (row, fact)
        for fact in facts
        if (
            row := next((row for row in ROWS if not row.kinds and row.fits(fact)), None)
        )
    ]
    measured = {row.measurement for row, _fact in rows}
    supplies = [fact for row, fact in rows if row.measurement == "supply"]
    is_metered = bool(measured & _METERED)
    if "smoke" in measured:
        return "charging_pile" if supplies and is_metered else "smoke_sensor"
    if Platform.CAMERA in {fact.domain for fact in facts}:
        return CAMERA.key
    if measured & {"level", "level_height"}:
        return "water_tank"
    if "pressure" in measured or any(
        fact.device_class == Sensor.PRESSURE and fact.unit in _PIPE_UNITS
        for fact in facts
    ):
        return "hydrant"
    if _OTHER_DOMAINS & {fact.domain for fact in facts}:
        return None
    if "residual_current" in measured:
        return "breaker_monitor"
    if _BREAKER.search(about) and (supplies or is_metered):
        return "breaker_monitor"
    if not is_metered:
        return None
    is_socket = "plugged" in measured or len(supplies) > 1
    if supplies and (
        is_socket
        or _SOCKET.search(about)
        or any(fact.device_class == "outlet" for fact in supplies)
    ):
        return "charging_pile"
    return "breaker_monitor"


def propose_readings(facts: Sequence[Fact], kind: str) -> dict[str, list[str]]:
    """Return the entities that seem to carry each measurement of a kind, by their refs.

    Several are in the order of the phases or sockets.
    """
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        row = next((row for row in ROWS if _is_of(row, kind) and row.fits(fact)), None)
        if row:
            found.setdefault(row.measurement, []).append(fact)
    sockets = _numbered(found.get("supply", ()))
    readings: dict[str, list[str]] = {}
    for name, carriers in found.items():
        if name in MERGED:
            chosen = carriers
        elif len(sockets) > 1:
            own = _numbered(carriers)
            chosen = (
                [own[part] for part in sockets]
                if name in CHANNELLED and own.keys() >= sockets.keys()
                else _whole(carriers)
            )
        else:
            phases = {fact.part: fact for fact in carriers if fact.part.startswith("l")}
            chosen = (
                [phases[part] for part in sorted(phases)]
                if name in CHANNELLED and len(phases) > 1
                else _whole(carriers) or _best(carriers)
            )
        if chosen:
            readings[name] = [fact.ref for fact in chosen]
    return readings


def _is_of(row: _Row, kind: str) -> bool:
    return row.measurement in DEVICE_KINDS[kind].measurements and (
        not row.kinds or kind in row.kinds
    )


def _numbered(facts: Iterable[Fact]) -> dict[str, Fact]:
    """Return entities by the number of their socket, in its order."""
    numbers = {fact.part: fact for fact in facts if fact.part.isdigit()}
    return {part: numbers[part] for part in sorted(numbers, key=int)}


def _whole(facts: Iterable[Fact]) -> list[Fact]:
    return _best(fact for fact in facts if not fact.part)


def _best(facts: Iterable[Fact]) -> list[Fact]:
    """Return the entity with the plainest name, those for diagnostics last."""
    ordered = sorted(facts, key=lambda fact: (fact.category or "", len(fact.text)))
    return ordered[:1]


def propose_commands(facts: Sequence[Fact], kind: str) -> dict[str, str]:
    """Return the buttons that seem to be our commands, by their refs."""
    return {
        command: fact.ref
        for command, words in BUTTONS.items()
        if command in DEVICE_KINDS[kind].buttons
        for fact in reversed(facts)
        if fact.domain == BUTTON and words.search(fact.text)
    }


def measurements_of(kind: str) -> tuple[str, ...]:
    """Return what entities may carry of a kind of device."""
    return tuple(
        name for name in DEVICE_KINDS[kind].measurements if name not in DERIVED
    )


@cache
def dangers_of(kind: str) -> frozenset[str]:
    """Return the measurements that can raise more than a fault, or cut something off."""
    return (DEVICE_KINDS[kind].dangers | {"supply"}).intersection(measurements_of(kind))


def needed_of(kind: str) -> frozenset[str]:
    """Return the measurements of which a device has one, or there is nothing to watch."""
    # Of a camera nothing is a danger, and there are faults that no other kind has.
    return dangers_of(kind) or frozenset(measurements_of(kind)).difference(
        common.MEASUREMENTS
    )


def carriers_of(
    kind: str, readings: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Return the entities by the keys of the readings that they carry."""
    has_sockets = kind != "breaker_monitor" or len(readings.get("supply", ())) > 1
    found: dict[str, tuple[str, ...]] = {}
    for name, refs in readings.items():
        if name in MERGED or len(refs) < 2:
            found[name] = tuple(refs)
            continue
        for number, ref in enumerate(refs, 1):
            found[point_key(name, str(number) if has_sockets else f"l{number}")] = (
                ref,
            )
    return found
