"""The pages that a newcomer sees first: what is wrong, and where, building by building."""

from collections.abc import Iterable
from typing import Any

PATH = "community-safety"
TITLES = ("Community safety", "社区安全", "社區安全")

type Card = dict[str, Any]
type Row = dict[str, Any]

_TEXTS = {
    "open": ("Open alarms", "未处理的报警", "未處理的警報"),
    "alarm": ("Alarms", "报警", "警報"),
    "warning": ("Warnings", "预警", "預警"),
    "fault": ("Faults", "故障", "故障"),
    "happened": ("What has happened", "最近发生", "最近發生"),
    "elevator": ("Elevator", "电梯", "電梯"),
    "holds": ("Held today", "今日阻车", "今日阻車"),
    "releases": ("Released today", "今日放行", "今日放行"),
    "false_holds": ("Held by mistake today", "今日误阻", "今日誤阻"),
    "seen_e_bike": ("E-bikes seen today", "今日识别电动自行车", "今日辨識電動自行車"),
    "power": ("Current", "电流", "電流"),
    "energy": ("Energy", "用电", "用電"),
    "units": ("Rental units", "出租房", "出租屋"),
    "police": ("Police", "警务", "警務"),
    "alerts_now": ("Alerts now", "当前警报", "目前通報"),
    "no_alerts": ("No alert is active.", "当前没有警报。", "目前沒有通報。"),
    "lease_ends": ("Lease ends", "租约到期", "租約到期"),
    "alert_active": ("Alert", "警报", "通報"),
    "registration": ("Registration", "登记", "登記"),
    "lease_end": ("Lease end", "租约到期", "租約到期"),
}
_HALF = {"grid_options": {"columns": 6}}
_TREND = {"features": [{"type": "trend-graph", "hours_to_show": 1}]}
_TOGGLE = {"features": [{"type": "toggle"}], "features_position": "inline"}
#: What is shown of a device, in this order, and how. A tile is as wide as its section
#: and named after its device, but for the halves, which have the entity's own name.
_TILES: dict[str, Card] = {
    "smoke": {"color": "red"},
    "supply": _TOGGLE,
    **{f"supply_{socket}": {**_HALF, **_TOGGLE} for socket in range(1, 5)},
    "class_seen": {},
    "held": _HALF,
    "blocking": {**_HALF, **_TOGGLE},
    "current": _HALF,
    "current_l1": _HALF,
    "current_l2": _HALF,
    "current_l3": _HALF,
    "residual_current": _HALF,
    "level": {"features": [{"type": "bar-gauge", "min": 0, "max": 100}]},
    "pressure": _TREND,
}
#: What the property manager sees of a unit. All of it is figures and days, and no person.
_UNIT: dict[str, Card] = {
    "alert_active": {"color": "red"},
    "registration": {"icon": "mdi:clipboard-account", "color": "amber"},
    "lease_end": {"icon": "mdi:calendar-end"},
}
_ELEVATOR = ("seen_e_bike", "holds", "releases", "false_holds")


class _House:
    """The registries' rows, by what the pages need."""

    def __init__(
        self,
        devices: Iterable[Row],
        entities: Iterable[Row],
        areas: Iterable[Row],
        floors: Iterable[Row],
    ) -> None:
        self.devices = sorted(devices, key=_name)
        self.areas = sorted(areas, key=_name)
        self.floors = sorted(floors, key=_name)
        #: Entity ids by device and key.
        self.entities: dict[tuple[str, str], str] = {}
        self.calendars: list[str] = []
        for row in entities:
            if row["disabled_by"]:
                continue
            if row["platform"] == "community_safety":
                key = row["unique_id"].rpartition("/")[2]
            elif row["platform"] == "rental_units":
                # After the id of the unit, which has no underscore.
                key = row["unique_id"].partition("_")[2]
                if row["entity_id"].startswith("calendar."):
                    self.calendars.append(row["entity_id"])
            else:
                continue
            self.entities[row["device_id"], key] = row["entity_id"]

    def all(self, *keys: str) -> list[tuple[Row, str, str]]:
        """Return device, key and entity id of every entity with one of the keys."""
        return [
            (device, key, self.entities[device["id"], key])
            for device in self.devices
            for key in keys
            if (device["id"], key) in self.entities
        ]

    def area(self, device: Row) -> str:
        """Return the name of a device's area."""
        names = {area["area_id"]: area["name"] for area in self.areas}
        return str(names.get(device["area_id"], ""))


def build(
    devices: list[Row],
    entities: list[Row],
    areas: list[Row],
    floors: list[Row],
    language: int,
    *,
    units: Iterable[Row] = (),
    manager: str = "",
    police: str = "",
) -> dict[str, Any]:
    """Return the configuration of the dashboard, from the registries' rows.

    `units` are the devices of the rental units; the ids of two users say who sees their
    pages.
    """
    house = _House(devices, entities, areas, floors)
    homes = sorted(
        (row for row in units if (row["id"], "alert_active") in house.entities),
        key=_name,
    )
    texts = {key: names[language] for key, names in _TEXTS.items()}
    return {
        "views": [
            _overview(house, texts, TITLES[language]),
            *(_floor(house, floor, texts) for floor in house.floors),
            *(
                (
                    _units(house, homes, texts, manager),
                    _police(house, homes, texts, police),
                )
                if homes
                else ()
            ),
        ]
    }


def _units(house: _House, homes: list[Row], texts: dict[str, str], user: str) -> Card:
    """Return the property manager's page: each unit's figures, and the lease ends."""
    sections = [
        _section(
            _name(home),
            "mdi:home",
            [
                {
                    "type": "tile",
                    "entity": house.entities[home["id"], key],
                    "name": texts[key],
                    **_HALF,
                    **look,
                }
                for key, look in _UNIT.items()
                if (home["id"], key) in house.entities
            ],
        )
        for home in homes
    ]
    if house.calendars:
        calendar = {
            "type": "calendar",
            "entities": house.calendars,
            "initial_view": "listWeek",
            "grid_options": {"columns": "full", "rows": 6},
        }
        sections.append(
            _section(texts["lease_ends"], "mdi:calendar-end", [calendar], columns=3)
        )
    return {
        "title": texts["units"],
        "path": "rental-units",
        "type": "sections",
        "max_columns": 3,
        "visible": [{"user": user}],
        "sections": [_alerts(house, homes, texts), *sections],
    }


def _police(house: _House, homes: list[Row], texts: dict[str, str], user: str) -> Card:
    """Return the page of the police: where an alert is active, and whose registration lacks something."""
    registrations = [
        {
            "type": "tile",
            "entity": house.entities[home["id"], "registration"],
            "name": _name(home),
            **_HALF,
            **_UNIT["registration"],
        }
        for home in homes
    ]
    return {
        "title": texts["police"],
        "path": "police",
        "type": "sections",
        "max_columns": 2,
        "visible": [{"user": user}],
        "sections": [
            _alerts(house, homes, texts),
            _section(texts["units"], "mdi:home-group", registrations),
        ],
    }


def _alerts(house: _House, homes: list[Row], texts: dict[str, str]) -> Card:
    """Return the units with an alert, or that there is none."""
    active = {_name(home): house.entities[home["id"], "alert_active"] for home in homes}
    cards = [
        {
            "type": "tile",
            "entity": entity_id,
            "name": name,
            "color": "red",
            "visibility": [{"condition": "state", "entity": entity_id, "state": "on"}],
            "grid_options": {"columns": "full"},
        }
        for name, entity_id in active.items()
    ]
    nothing = {
        "type": "markdown",
        "content": texts["no_alerts"],
        "visibility": [
            {"condition": "state", "entity": entity_id, "state_not": "on"}
            for entity_id in active.values()
        ],
        "grid_options": {"columns": "full"},
    }
    return _section(texts["alerts_now"], "mdi:bell-alert", [*cards, nothing])


def _overview(house: _House, texts: dict[str, str], title: str) -> Card:
    counts = [
        card
        for gateway in house.devices
        if (gateway["id"], "open_alarm") in house.entities
        for card in _counts(house, gateway, texts)
    ]
    hazards = [
        {
            "type": "tile",
            "entity": entity_id,
            "name": f"{house.area(device)} · {_name(device)}",
            "color": "red",
            "visibility": [{"condition": "state", "entity": entity_id, "state": "on"}],
            "grid_options": {"columns": "full"},
        }
        for device, _key, entity_id in house.all(
            "smoke",
            "heat",
            "overcurrent",
            "leakage",
            "overload",
            "over_temperature",
            "refused_to_open",
            "low_level",
            "low_pressure",
            "e_bike_in_car",
            "refused_to_release",
        )
    ]
    elevator = [
        {
            "type": "tile",
            "entity": entity_id,
            "name": texts[key],
            "grid_options": {"columns": "full"},
        }
        for _device, key, entity_id in house.all(*_ELEVATOR)
    ]
    power = [
        {"entity": entity_id, "name": house.area(device)}
        for device, _key, entity_id in house.all("current")
        if house.area(device).count("-") == 2
    ]
    return {
        "title": title,
        "path": "overview",
        "type": "sections",
        "max_columns": 3,
        "sections": [
            _section(texts["open"], "mdi:bell-alert", [*hazards, *counts]),
            _section(
                texts["happened"],
                "mdi:history",
                [
                    {
                        "type": "logbook",
                        "target": {"device_id": [row["id"] for row in house.devices]},
                        "hours_to_show": 24,
                        "grid_options": {"columns": "full", "rows": 6},
                    }
                ],
            ),
            _section(texts["elevator"], "mdi:elevator", elevator),
            _section(
                texts["power"],
                "mdi:flash",
                [
                    {
                        "type": "history-graph",
                        "entities": power,
                        "hours_to_show": 1,
                        "grid_options": {"columns": "full", "rows": 6},
                    }
                ],
                columns=3,
            ),
        ],
    }


def _counts(house: _House, gateway: Row, texts: dict[str, str]) -> list[Card]:
    """Return how many alarms of a gateway's devices are open, by severity."""
    return [
        {"type": "heading", "heading": _name(gateway), "heading_style": "subtitle"},
        *(
            {
                "type": "tile",
                "entity": house.entities[gateway["id"], f"open_{severity}"],
                "name": texts[severity],
                "icon": icon,
                "color": color,
                "vertical": True,
                "grid_options": {"columns": 4, "rows": 2},
            }
            for severity, icon, color in (
                ("alarm", "mdi:fire-alert", "red"),
                ("warning", "mdi:alert", "amber"),
                ("fault", "mdi:wrench", "grey"),
            )
        ),
    ]


def _floor(house: _House, floor: Row, texts: dict[str, str]) -> Card:
    sections = []
    for area in house.areas:
        if area["floor_id"] != floor["floor_id"]:
            continue
        cards = [
            {
                "type": "tile",
                "entity": entity_id,
                "grid_options": {"columns": "full"},
                **_named(device, key),
                **_TILES[key],
            }
            for device, key, entity_id in house.all(*_TILES)
            if device["area_id"] == area["area_id"]
        ]
        if cards:
            sections.append(_section(area["name"], area["icon"], cards))
    return {
        "title": floor["name"],
        "path": floor["floor_id"].replace("_", "-"),
        "type": "sections",
        "max_columns": 3,
        "sections": sections,
    }


def _named(device: Row, key: str) -> Card:
    """Name a tile after its device, or as the entity is called within it."""
    whole = "grid_options" not in _TILES[key]
    return {"name": _name(device) if whole else {"type": "entity"}}


def _section(
    title: str, icon: str | None, cards: list[Card], *, columns: int = 1
) -> Card:
    heading: Card = {"type": "heading", "heading": title}
    if icon:
        heading["icon"] = icon
    return {"type": "grid", "column_span": columns, "cards": [heading, *cards]}


def _name(row: Row) -> str:
    return str(row.get("name_by_user") or row["name"])
