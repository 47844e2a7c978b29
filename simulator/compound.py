"""The simulated compound "Xingqiao": its places, and the devices in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .coordinators import Coordinator, eui64_of
from .device import Device
from .devices import (
    BreakerMonitor,
    Camera,
    ChargingPile,
    DoorController,
    ElevatorBlocker,
    Hydrant,
    SmokeSensor,
    VehicleGate,
    WaterTank,
)
from .discovered import CAMERAS, TOPIC as DISCOVERED_TOPIC, DiscoveredGateway
from .gateway import Gateway, Record, ignore
from .native import NativeGateway
from .zigbee2mqtt import RECOMMENDED, Zigbee2Mqtt

THREE_PHASES = ("l1", "l2", "l3")
LANGUAGES = ("en", "zh-Hans", "zh-Hant")
#: A name in each of them.
type Names = tuple[str, str, str]
NATIVE_TOPIC = "community_safety/xingqiao"
ZIGBEE_TOPIC = "zigbee2mqtt"


@dataclass(frozen=True, slots=True)
class Place:
    """An area; `floor` is an index into the floors. Names are by language."""

    id: str
    floor: int
    names: Names
    icon: str = "mdi:home"


def _unit(name: str, floor: int) -> Place:
    return Place(name, floor, (name, name, name))


def _stairwell(name: str, floor: int) -> Place:
    return Place(
        name,
        floor,
        (f"{name} stairwell", f"{name} 单元楼道", f"{name} 梯間"),
        "mdi:stairs",
    )


FLOORS = (
    ("Building 1", "1 号楼", "1 號樓"),
    ("Building 2", "2 号楼", "2 號樓"),
    ("Grounds", "园区", "園區"),
)
PLACES = (
    _stairwell("1-1", 0),
    _unit("1-1-201", 0),
    _unit("1-1-202", 0),
    _unit("1-1-301", 0),
    _stairwell("1-2", 0),
    _unit("1-2-101", 0),
    Place("lift-1", 0, ("Building 1 lift", "1 号楼电梯", "1 號樓電梯"), "mdi:elevator"),
    Place(
        "roof-1", 0, ("Building 1 roof", "1 号楼屋顶", "1 號樓屋頂"), "mdi:home-roof"
    ),
    _stairwell("2-1", 1),
    _unit("2-1-101", 1),
    Place(
        "roof-2", 1, ("Building 2 roof", "2 号楼屋顶", "2 號樓屋頂"), "mdi:home-roof"
    ),
    Place("gate", 2, ("East gate", "东门", "東門"), "mdi:gate"),
    Place("pump-room", 2, ("Pump room", "消防泵房", "消防泵浦室"), "mdi:pump"),
    Place("shed", 2, ("E-bike shed", "电动车棚", "電動車棚"), "mdi:bicycle-electric"),
    Place(
        "hydrant",
        2,
        ("Hydrant east gate", "东门消火栓", "東門消防栓"),
        "mdi:fire-hydrant",
    ),
)
UNITS = tuple(place for place in PLACES if place.id.count("-") == 2)
STAIRWELLS = tuple(place for place in PLACES if place.icon == "mdi:stairs")

#: Places that are there with Zigbee coordinators of one's own: one per building.
COORDINATOR_PLACES = (
    _unit("1-3-101", 0),
    _stairwell("1-3", 0),
    _unit("2-2-101", 1),
    Place(
        "tank-2",
        1,
        ("Building 2 tank room", "2 号楼水箱间", "2 號樓水箱間"),
        "mdi:storage-tank",
    ),
)

#: Places whose devices are on Zigbee2MQTT, with the models there.
ZIGBEE = {"2-1", "2-1-101"}
_ZIGBEE_MODELS = {
    "bedroom": "HS1SA-E",
    "living room": "JY-GZ-01AQ",
    "breaker": "TS011F_din_smart_relay",
    "distribution box": "TOWSMR1",
    "lighting": "TS011F_din_smart_relay",
}

#: Devices of places: id within the place, names, class, and how it is made.
type _Row = tuple[str, Names, type[Device], dict[str, Any]]
_UNIT_ROWS: tuple[_Row, ...] = (
    (
        "bedroom",
        ("Bedroom smoke sensor", "卧室烟感", "臥室煙霧偵測器"),
        SmokeSensor,
        {},
    ),
    (
        "living room",
        ("Living room smoke sensor", "客厅烟感", "客廳煙霧偵測器"),
        SmokeSensor,
        {},
    ),
    ("breaker", ("Breaker", "空开", "斷路器"), BreakerMonitor, {"load": 6.5}),
)
_STAIRWELL_ROWS: tuple[_Row, ...] = (
    (
        "distribution box",
        ("Distribution box", "配电箱", "配電箱"),
        BreakerMonitor,
        {"load": 24.0, "phases": THREE_PHASES},
    ),
    (
        "lighting",
        ("Emergency lighting", "应急照明", "緊急照明"),
        BreakerMonitor,
        {"load": 1.2},
    ),
)
_OTHER_ROWS: dict[str, tuple[_Row, ...]] = {
    "lift-1": (
        (
            "blocker",
            ("Elevator blocker", "电梯阻车器", "電梯阻車器"),
            ElevatorBlocker,
            {},
        ),
    ),
    "roof-1": (("tank", ("Fire tank", "消防水箱", "消防水箱"), WaterTank, {}),),
    "roof-2": (("tank", ("Fire tank", "消防水箱", "消防水箱"), WaterTank, {}),),
    "pump-room": (
        (
            "fire pump",
            ("Fire pump", "消防泵", "消防泵浦"),
            BreakerMonitor,
            {"load": 0.4, "phases": THREE_PHASES},
        ),
    ),
    "shed": (
        ("pile", ("Charging pile", "充电桩", "充電樁"), ChargingPile, {}),
        ("door", ("Shed door", "车棚门", "車棚門"), DoorController, {}),
        ("gate", ("Vehicle gate", "车辆道闸", "車輛道閘"), VehicleGate, {}),
        ("camera", ("Shed camera", "车棚摄像头", "車棚攝影機"), Camera, {}),
    ),
    "hydrant": (("gauge", ("Pressure gauge", "水压表", "水壓計"), Hydrant, {}),),
}
#: What other integrations have, by place.
_DISCOVERED_ROWS: dict[str, _Row] = {
    "pump-room": (
        "smoke alarm",
        ("Pump room smoke alarm", "泵房烟雾报警器", "泵浦室煙霧警報器"),
        SmokeSensor,
        {},
    )
}
#: Devices of places with a coordinator: a row as above, with the model there.
_COORDINATOR_ROWS: dict[str, tuple[tuple[_Row, str], ...]] = {
    "1-3-101": (
        (_UNIT_ROWS[0], "smoke"),
        (_UNIT_ROWS[1], "heat"),
        (_UNIT_ROWS[2], "breaker"),
    ),
    "1-3": ((_STAIRWELL_ROWS[0], "breaker-3"),),
    "2-2-101": (
        (_UNIT_ROWS[0], "smoke"),
        (_UNIT_ROWS[2], "tuya-breaker"),
    ),
    "tank-2": ((_OTHER_ROWS["roof-2"][0], "tuya-level"),),
}
#: Rows whose supplies a cut-off must never open.
PROTECTED = ("lighting", "fire pump")

#: Where something happens if nobody says where.
DEFAULT_PLACES = {
    "smoke": "1-1-201",
    "overload": "1-1-202",
    "leakage": "1-1",
    "pile-smoke": "shed",
    "tank-low": "roof-1",
    "hydrant-low": "hydrant",
    "e-bike": "lift-1",
    "pram": "lift-1",
    "recordings-short": "shed",
    "child": "shed",
    "person": "shed",
}


def is_protected(device: Device) -> bool:
    """Return if a device's supply must never be opened by a cut-off."""
    return device.id.replace("-", " ").endswith(PROTECTED)


def device_id(place: str, row: str) -> str:
    """Return the id of a device from its place's and its own."""
    return f"{place} {row}" if place in ZIGBEE else f"{place}-{row.replace(' ', '-')}"


def devices(language: str) -> Iterator[tuple[Place, Device, str]]:
    """Make all devices: the place, the device, and its model where it is on Zigbee."""
    name = LANGUAGES.index(language)
    for place in PLACES:
        rows = _OTHER_ROWS.get(place.id, ())
        if place in UNITS:
            rows = _UNIT_ROWS
        elif place in STAIRWELLS:
            rows = _STAIRWELL_ROWS
        for row, names, kind, options in rows:
            area = place.names[name]
            model = ""
            if place.id in ZIGBEE:
                model = _ZIGBEE_MODELS[row]
                # The models there have a single phase.
                options = {key: options[key] for key in options if key != "phases"}
            device = kind(device_id(place.id, row), names[name], area, **options)
            yield place, device, model


def discovered_devices(language: str) -> Iterator[tuple[Place, Device]]:
    """Make the devices of other integrations: the place, and the device."""
    name = LANGUAGES.index(language)
    for place in PLACES:
        if found := _DISCOVERED_ROWS.get(place.id):
            row, names, kind, options = found
            yield (
                place,
                kind(
                    device_id(place.id, row), names[name], place.names[name], **options
                ),
            )


def coordinator_devices(language: str) -> Iterator[tuple[Place, Device, str]]:
    """Make the devices of coordinators: the place, the device, and its model."""
    name = LANGUAGES.index(language)
    for place in COORDINATOR_PLACES:
        for (row, names, kind, options), model in _COORDINATOR_ROWS[place.id]:
            device = kind(
                device_id(place.id, row), names[name], place.names[name], **options
            )
            yield place, device, model


def coordinator_addresses(language: str) -> dict[str, Device]:
    """Return the devices of coordinators by their address, as Zigbee writes it."""
    found: dict[str, Device] = {}
    counts: dict[int, int] = {}
    for place, device, _model in coordinator_devices(language):
        index = counts.setdefault(place.floor, 0)
        counts[place.floor] += 1
        found[eui64_of(place.floor + 1, index).to_bytes(8).hex(":")] = device
    return found


class Compound:
    """All of it, behind two gateways, and two coordinators if there are folders for them."""

    def __init__(
        self,
        port: int,
        language: str = "en",
        record: Record = ignore,
        flash: Path | None = None,
    ) -> None:
        """Initialize; `port` is the broker's, `flash` a folder for coordinators."""
        native: list[Device] = []
        zigbee: list[Device] = []
        models: dict[str, str] = {}
        #: Devices by the id of their place.
        self.places: dict[str, list[Device]] = {}
        for place, device, model in devices(language):
            self.places.setdefault(place.id, []).append(device)
            (zigbee if model else native).append(device)
            models[device.id] = model
        discovered = list(discovered_devices(language))
        for place, device in discovered:
            self.places.setdefault(place.id, []).append(device)
        self.coordinators: list[Coordinator] = []
        if flash:
            rows = list(coordinator_devices(language))
            for place, device, _model in rows:
                self.places.setdefault(place.id, []).append(device)
            for floor in sorted({place.floor for place, _device, _model in rows}):
                self.coordinators.append(
                    Coordinator(
                        floor + 1,
                        [row[1:] for row in rows if row[0].floor == floor],
                        record,
                        flash / f"coordinator-{floor + 1}.json",
                    )
                )
        name = ("Xingqiao", "星桥小区", "星橋社區")[LANGUAGES.index(language)]
        others = DiscoveredGateway(
            port,
            DISCOVERED_TOPIC,
            "MQTT",
            [device for _place, device in discovered],
            record,
        )
        others.cameras = {
            key: names[LANGUAGES.index(language)] for key, _place, names in CAMERAS
        }
        self.gateways: tuple[Gateway, ...] = (
            NativeGateway(port, NATIVE_TOPIC, name, native, record),
            Zigbee2Mqtt(
                port,
                ZIGBEE_TOPIC,
                "Zigbee2MQTT",
                zigbee,
                record,
                models=models,
                config=RECOMMENDED,
            ),
            others,
        )

    def find(self, event: str, where: str | None) -> list[Device]:
        """Return the devices that an event can happen to, the likeliest first.

        Raises ValueError with a text that says what is possible.
        """
        wanted = where or DEFAULT_PLACES.get(event)
        place = next(
            (
                place.id
                for place in (*PLACES, *COORDINATOR_PLACES)
                if wanted
                and wanted.casefold()
                in {place.id, *(name.casefold() for name in place.names)}
            ),
            None,
        )
        can = {
            place_id: devices
            for place_id, row in self.places.items()
            if (devices := [device for device in row if event in device.EVENTS])
        }
        if not can:
            known = sorted({*DEFAULT_PLACES})
            raise ValueError(f"Unknown event {event}. There is: {', '.join(known)}")
        if place not in can:
            raise ValueError(
                f"No place {wanted} for {event}. There is: {', '.join(can)}"
            )
        return can[place]

    def at(self, where: str | None) -> list[Device]:
        """Return all devices of a place, or of all places. Raises ValueError."""
        if where is None:
            return [device for row in self.places.values() for device in row]
        if where not in self.places:
            raise ValueError(f"No place {where}. There is: {', '.join(self.places)}")
        return self.places[where]
