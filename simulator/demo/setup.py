"""What a person would click together: users, places, gateways, automations, pages.

Everything goes through Home Assistant's own interfaces, and each step is done once:
what you change in the demo is kept.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
import shutil
from typing import Any

from simulator.cameras import PLATES, TOPIC as FRIGATE_TOPIC, WATCHES
from simulator.compound import (
    COORDINATOR_PLACES,
    DEFAULT_PLACES,
    FLOORS,
    LANGUAGES,
    NATIVE_TOPIC,
    PLACES,
    ZIGBEE_TOPIC,
    coordinator_addresses,
    devices,
    discovered_devices,
    is_protected,
)
from simulator.discovered import CAMERAS
from simulator.doors import CONTROLLERS
from simulator.isapi import PASSWORD as TERMINAL_PASSWORD, USERNAME

from .flows import CONFIG as FLOWS, SetupError, walk
from .home_assistant import CallError, HomeAssistant, add_account
from .people import People
from .place import CONFIG, REPOSITORY, STATE_FILE, read, write
from .plates import Plates
from .timeline import Story, StoryError

USER = "demo"
PASSWORD = "demo-demo"  # noqa: S105 - printed for everybody, on the loopback address
POLICE = "police"
POLICE_PASSWORD = "police-police"  # noqa: S105
LANDLORD = "landlord"
LANDLORD_PASSWORD = "landlord-landlord"  # noqa: S105
#: The flat whose landlord has an account.
LANDLORDS_UNIT = "1-1-201"
#: The card of the first tenant there; the others have the next ones.
FIRST_CARD = 10058400
DOMAIN = "community_safety"
#: Where the control room is.
PANEL = "safety"
BLUEPRINTS = REPOSITORY / "blueprints" / "automation" / DOMAIN
#: Inputs of blueprints, where a blueprint has them; the others stay as they are.
NOTIFY_INPUT = "notify_target"
LANGUAGE_INPUT = "language"
WATCHED_INPUT = "watched"
READY_SECONDS = 60

type Say = Callable[[str], None]


class Setup:
    """Sets the demo up, step by step."""

    def __init__(
        self,
        hass: HomeAssistant,
        language: str,
        say: Say,
        restart: Callable[[], Awaitable[None]],
        *,
        broker_port: int,
        providers_port: int,
        radio_ports: Sequence[int] = (),
        door_ports: Sequence[int] = (),
        frigate_port: int = 0,
    ) -> None:
        """Initialize; `restart` returns when Home Assistant answers again.

        `radio_ports` are those of the Zigbee coordinators, one per building, `door_ports`
        those of the door controllers, and of Home Assistant's own ear for them.
        """
        self._door_ports = door_ports
        self._frigate_port = frigate_port
        self._radio_ports = radio_ports
        self._hass = hass
        self._broker_port = broker_port
        self._language = language
        self._name = LANGUAGES.index(language)
        self._say = say
        self._restart = restart
        self._state = read(STATE_FILE)
        self._done: list[str] = self._state.setdefault("done", [])
        self._people = People(hass, self._state, self._step, self._name, providers_port)
        self._plates = Plates(hass, self._state, self._step, language)

    async def run(self) -> None:
        """Do what has not been done yet. Raises SetupError."""
        await self._step("onboarding", "Onboarding, user demo", self._onboard)
        self._hass.token = self._state["token"]
        await self._connect()
        steps: tuple[tuple[str, str, Callable[[], Awaitable[None]]], ...] = (
            ("house", "Name, language and unit system", self._house),
            ("places", "Floors and areas", self._places),
            ("police", "A read-only account for the police", self._police),
        )
        for step in steps:
            await self._step(*step)
        await self._broker()
        steps = (
            ("gateways", "Gateways: Xingqiao, and Zigbee2MQTT", self._gateways),
            ("devices", "Devices of building 2 into their areas", self._devices),
            ("adopted", "A smoke alarm of another integration", self._adopted),
        )
        for step in steps:
            await self._step(*step)
        if self._radio_ports:
            await self._coordinators()
        await self._door_gateways()
        await self._frigate()
        await self._people.run()
        await self._step("cards", "Doors for whom, and cards", self._cards)
        await self._step("plate", "A plate for a tenant", self._plate)
        await self._step(
            "confirmed", "Who lives or lets there confirms a number", self._confirmed
        )
        await self._plates.run()
        write(STATE_FILE, self._state)
        steps = (
            ("roles", "Roles of the police and of a landlord", self._roles),
            ("visits", "Somebody who is visited at home, today", self._visits),
            (
                "protected",
                "Lighting and fire pump are protected loads",
                self._protected,
            ),
            ("energy", "Energy dashboard", self._energy),
            ("panel", "The control room is everybody's first page", self._panel),
        )
        for step in steps:
            await self._step(*step)
        await self._blueprints()

    async def _step(
        self, key: str, text: str, do: Callable[[], Awaitable[None]]
    ) -> None:
        if key in self._done:
            return
        self._say(text)
        await do()
        self._done.append(key)
        write(STATE_FILE, self._state)

    async def _onboard(self) -> None:
        self._state["token"] = await onboard(self._hass, self._language)

    async def _connect(self) -> None:
        """Connect, and wait until Home Assistant has started."""
        await self._hass.connect()

        async def is_running() -> bool | None:
            return (await self._hass.call("get_config"))["state"] == "RUNNING" or None

        await self._until("Home Assistant has started", is_running)

    async def _house(self) -> None:
        await self._hass.call(
            "config/core/update",
            location_name=("Xingqiao", "星桥小区", "星橋社區")[self._name],
            country="CN",
            currency="CNY",
            language=self._language,
            latitude=30.42,
            longitude=120.28,
            elevation=8,
            time_zone="Asia/Shanghai",
            unit_system="metric",
        )
        await self._hass.call(
            "frontend/set_user_data",
            key="language",
            value={"language": self._language, "number_format": "language"},
        )

    async def _places(self) -> None:
        hass = self._hass
        for area in await hass.call("config/area_registry/list"):
            await hass.call("config/area_registry/delete", area_id=area["area_id"])
        floors = [
            await hass.call(
                "config/floor_registry/create",
                name=names[self._name],
                icon="mdi:office-building"
                if names is not FLOORS[-1]
                else "mdi:pine-tree",
            )
            for names in FLOORS
        ]
        for place in PLACES:
            await hass.call(
                "config/area_registry/create",
                name=place.names[self._name],
                floor_id=floors[place.floor]["floor_id"],
                icon=place.icon,
            )

    async def _police(self) -> None:
        await add_account(
            self._hass, "Police", POLICE, POLICE_PASSWORD, "system-read-only"
        )

    async def _roles(self) -> None:
        """Let the police and a landlord see what is theirs of the register."""
        hass, entry = self._hass, {"entry_id": self._state["property"]}
        users = await hass.call("config/auth/list")
        police = next(row["id"] for row in users if row["username"] == POLICE)
        await hass.call(
            "rental_units/grant_role", **entry, user_id=police, role="police"
        )
        landlord = await add_account(
            hass, "Landlord", LANDLORD, LANDLORD_PASSWORD, "system-users"
        )
        people = await self._people_of(LANDLORDS_UNIT)
        await hass.call(
            "rental_units/grant_role",
            **entry,
            user_id=landlord,
            role="landlord",
            person_id=next(
                row["person_id"] for row in people if row["role"] == "landlord"
            ),
        )

    async def _visits(self) -> None:
        """Let a tenant agree to be visited each week; somebody has asked for a visit now."""
        users = await self._hass.call("config/auth/list")
        user = next(row["id"] for row in users if row["username"] == USER)
        *_, tenant = await self._tenants()
        of = {"entry_id": self._state["property"], "person_id": tenant["person_id"]}
        for command, data in (
            ("give_consent", {"scope": "visits"}),
            ("put_round", {"risk": "high", "in_charge": user}),
            ("request_visit", {}),
        ):
            await self._hass.call(f"rental_units/{command}", **of, **data)

    async def _broker(self) -> None:
        """Add Home Assistant's MQTT integration, or have it follow the broker's port."""
        settings = {
            "broker": "127.0.0.1",
            "port": self._broker_port,
            "protocol": "3.1.1",
            "other_settings": {
                "set_client_cert": False,
                "set_ca_cert": "off",
                "transport": "tcp",
            },
        }
        entries = await self._entries("mqtt")
        if not entries:
            self._say("MQTT integration")
            await walk(self._hass, FLOWS, "mqtt", settings)
            # The demo's broker speaks MQTT 3.1.1; a real one will speak 5.
            await self._hass.call(
                "repairs/ignore_issue",
                domain="mqtt",
                issue_id="protocol_5_migration",
                ignore=True,
            )
        elif self._state.get("broker_port") != self._broker_port:
            self._say("MQTT integration: the broker has another port this time")
            await walk(
                self._hass,
                FLOWS,
                "mqtt",
                settings,
                entry_id=entries[0]["entry_id"],
                ends="abort",
            )
        self._state["broker_port"] = self._broker_port
        write(STATE_FILE, self._state)

    async def _gateways(self) -> None:
        present = {entry["title"] for entry in await self._entries(DOMAIN)}
        for dialect, topic, title in (
            ("native", NATIVE_TOPIC, ("Xingqiao", "星桥小区", "星橋社區")[self._name]),
            ("zigbee2mqtt", ZIGBEE_TOPIC, "Zigbee2MQTT"),
        ):
            if title in present:
                continue
            if flow_id := await self._discovered(f"mqtt/{topic}"):
                await self._hass.rest("POST", f"{FLOWS}/{flow_id}", {})
            else:
                await walk(
                    self._hass,
                    FLOWS,
                    DOMAIN,
                    {"next_step_id": dialect},
                    {"topic": topic},
                )

    async def _devices(self) -> None:
        """Give the devices of Zigbee2MQTT, which knows no areas, their place."""
        wanted = {device.id: device for _, device, _ in devices(self._language)}
        areas = {
            area["name"]: area["area_id"]
            for area in await self._hass.call("config/area_registry/list")
        }

        async def registered() -> list[dict[str, Any]] | None:
            found = await self._ours()
            return found if len(found) >= len(wanted) else None

        for entry in await self._until("all devices are there", registered):
            device = wanted.get(entry["name"])
            if device and entry["area_id"] is None:
                await self._hass.call(
                    "config/device_registry/update",
                    device_id=entry["id"],
                    area_id=areas[device.area],
                    name_by_user=device.name,
                )

    async def _adopted(self) -> None:
        """Adopt what MQTT's own discovery has found; cameras get their places too."""
        hass = self._hass
        wanted = {
            device.name: place.names[self._name]
            for place, device in discovered_devices(self._language)
        }
        places = {place.id: place.names[self._name] for place in PLACES}
        cameras = {names[self._name]: places[place] for _id, place, names in CAMERAS}

        async def registered() -> dict[str, str] | None:
            rows = await hass.call("config/device_registry/list")
            found = {row["name"]: row["id"] for row in rows}
            return found if {*wanted, *cameras} <= found.keys() else None

        found = await self._until("what MQTT discovers is there", registered)
        areas = {
            area["name"]: area["area_id"]
            for area in await hass.call("config/area_registry/list")
        }
        for name, area in (wanted | cameras).items():
            await hass.call(
                "config/device_registry/update",
                device_id=found[name],
                area_id=areas[area],
            )
        await walk(
            hass,
            FLOWS,
            DOMAIN,
            {"next_step_id": "adopted"},
            {"devices": [found[name] for name in wanted]},
            {},
        )

    async def _coordinators(self) -> None:
        """Add a gateway per coordinator, and let its devices in."""
        kept = self._state.setdefault("coordinators", [])
        for number, port in enumerate(self._radio_ports):
            title = f"Zigbee, {FLOORS[number][self._name]}"
            steps = (
                {"next_step_id": "zigbee_network"},
                {"address": f"127.0.0.1:{port}"},
            )
            if number >= len(kept):
                self._say(f"Gateway: {title}")
                entry_id = await walk(
                    self._hass,
                    FLOWS,
                    DOMAIN,
                    {"next_step_id": "zigbee"},
                    *steps,
                    {"next_step_id": "zigbee_form"},
                    {"channel": "automatic"},
                )
                await self._hass.call(
                    "config_entries/update", entry_id=entry_id, title=title
                )
                kept.append({"entry_id": entry_id, "port": port})
            elif kept[number]["port"] != port:
                self._say(f"{title}: the coordinator has another port this time")
                entry_id = kept[number]["entry_id"]
                await walk(
                    self._hass, FLOWS, DOMAIN, *steps, entry_id=entry_id, ends="abort"
                )
                kept[number]["port"] = port
            write(STATE_FILE, self._state)
        await self._step(
            "coordinator devices",
            "Zigbee devices into their areas",
            self._coordinator_devices,
        )

    async def _let_in(self, entry_ids: list[str]) -> None:
        """Open the networks: the devices wait for that."""

        async def gateways() -> list[str] | None:
            found = [
                row["id"]
                for row in await self._all_devices()
                if not row["via_device_id"]
                and set(entry_ids).intersection(row["config_entries"])
            ]
            entries = await self._entries(DOMAIN)
            loaded = {row["entry_id"] for row in entries if row["state"] == "loaded"}
            return found if loaded.issuperset(entry_ids) else None

        targets = await self._until("the coordinators are there", gateways)
        self._say("Zigbee devices join")
        await self._hass.action(
            f"{DOMAIN}.permit_join", {"device_id": targets}, duration=254
        )

    async def _coordinator_devices(self) -> None:
        hass = self._hass
        await self._let_in([row["entry_id"] for row in self._state["coordinators"]])
        wanted = coordinator_addresses(self._language)

        async def registered() -> dict[str, dict[str, Any]] | None:
            found = {
                identifier.rpartition("/")[2]: row
                for row in await self._ours()
                for _domain, identifier in row["identifiers"]
            }
            return found if wanted.keys() <= found.keys() else None

        rows = await self._until("all Zigbee devices have joined", registered)
        floors = {
            row["name"]: row["floor_id"]
            for row in await hass.call("config/floor_registry/list")
        }
        areas = {
            place.names[self._name]: await hass.call(
                "config/area_registry/create",
                name=place.names[self._name],
                floor_id=floors[FLOORS[place.floor][self._name]],
                icon=place.icon,
            )
            for place in COORDINATOR_PLACES
        }
        for address, device in wanted.items():
            await hass.call(
                "config/device_registry/update",
                device_id=rows[address]["id"],
                area_id=areas[device.area]["area_id"],
                name_by_user=device.name,
            )

    async def _door_gateways(self) -> None:
        """Add the door controllers, or follow them to their ports."""
        *ports, event_port = self._door_ports
        boards = {
            "addresses": [f"127.0.0.1:{port}" for port in ports[:-1]],
            "protocol": "udp",
        }
        gate = {
            "url": f"http://127.0.0.1:{ports[-1]}",
            "username": USERNAME,
            "password": TERMINAL_PASSWORD,
        }
        kept = self._state.setdefault("doors", {})
        for kind, answer in (
            ("uhppote", {**boards, "event_port": event_port}),
            ("isapi", gate),
        ):
            if kind not in kept:
                self._say(f"Door controllers: {kind}")
                kept[kind] = await walk(
                    self._hass, FLOWS, DOMAIN, {"next_step_id": kind}, answer
                )
            elif self._state.get("doors_at") != list(ports):
                self._say(f"Door controllers: {kind}, other ports this time")
                await walk(
                    self._hass,
                    FLOWS,
                    DOMAIN,
                    boards if kind == "uhppote" else gate,
                    entry_id=kept[kind],
                    ends="abort",
                )
            write(STATE_FILE, self._state)
        self._state["doors_at"] = list(ports)
        await self._step("door places", "Doors into their places", self._door_places)

    async def _frigate(self) -> None:
        """Add the gateway of Frigate, or follow it to its port."""
        answer = {
            "topic": FRIGATE_TOPIC,
            "url": f"http://127.0.0.1:{self._frigate_port}",
        }
        kept = self._state.setdefault("frigate", {})
        if not kept:
            self._say("Gateway: Frigate")
            kept["entry_id"] = await walk(
                self._hass, FLOWS, DOMAIN, {"next_step_id": "frigate"}, answer
            )
        elif kept["port"] != self._frigate_port:
            self._say("Frigate: another port this time")
            entry_id = kept["entry_id"]
            await walk(
                self._hass, FLOWS, DOMAIN, answer, entry_id=entry_id, ends="abort"
            )
        kept["port"] = self._frigate_port
        write(STATE_FILE, self._state)
        await self._step(
            "camera places", "Frigate's cameras into their places", self._camera_places
        )

    async def _camera_places(self) -> None:
        hass = self._hass
        names = {place.id: place.names[self._name] for place in PLACES}
        areas = {
            row["name"]: row["area_id"]
            for row in await hass.call("config/area_registry/list")
        }

        async def registered() -> dict[str, str] | None:
            found = {
                identifier.rpartition("/")[2]: row["id"]
                for row in await self._ours()
                for _domain, identifier in row["identifiers"]
            }
            return found if {row.id for row in WATCHES} <= found.keys() else None

        found = await self._until("Frigate's cameras are there", registered)
        for camera in WATCHES:
            await hass.call(
                "config/device_registry/update",
                device_id=found[camera.id],
                area_id=areas[names[camera.place]],
            )

    async def _plate(self) -> None:
        """Give a tenant the plate of a vehicle that comes to the gate again and again."""
        tenant = (await self._tenants())[0]
        await self._hass.call(
            "rental_units/issue_plate",
            entry_id=self._state["property"],
            person_id=tenant["person_id"],
            plate=PLATES[0],
        )

    async def _door_places(self) -> None:
        """Give the controllers and each of their doors a place and a name."""
        hass = self._hass
        found = await self._until("all doors are there", self._controllers)
        names = {place.id: place.names[self._name] for place in PLACES}
        areas = {
            row["name"]: row["area_id"]
            for row in await hass.call("config/area_registry/list")
        }
        for controller in CONTROLLERS:
            device_id, locks = found[controller.serial]
            await hass.call(
                "config/device_registry/update",
                device_id=device_id,
                area_id=areas[names[controller.doors[0].place]],
                name_by_user=controller.names[self._name],
            )
            for door in controller.doors:
                await hass.call(
                    "config/entity_registry/update",
                    entity_id=locks[door.number],
                    name=door.names[self._name],
                    area_id=areas[names[door.place]],
                )

    async def _controllers(self) -> dict[str, tuple[str, dict[int, str]]] | None:
        """Return the device of each controller and its locks by number, once all are there."""
        devices = {
            identifier.rpartition("/")[2]: row["id"]
            for row in await self._all_devices()
            for _domain, identifier in row["identifiers"]
        }
        locks: dict[str, dict[int, str]] = {}
        for row in await self._hass.call("config/entity_registry/list"):
            key = row["unique_id"].rpartition("/")[2]
            if row["platform"] == DOMAIN and key.startswith("locked_"):
                number = int(key.removeprefix("locked_"))
                locks.setdefault(row["device_id"], {})[number] = row["entity_id"]
        found = {
            controller.serial: (device_id, locks.get(device_id, {}))
            for controller in CONTROLLERS
            for serial, device_id in devices.items()
            if serial == controller.serial
        }
        is_whole = len(found) == len(CONTROLLERS) and all(
            len(found[row.serial][1]) >= len(row.doors) for row in CONTROLLERS
        )
        return found if is_whole else None

    async def _cards(self) -> None:
        """Say for whom which door opens, and give the tenants of one unit a card each."""
        hass, entry = self._hass, {"entry_id": self._state["property"]}
        found = await self._until("all doors are there", self._controllers)
        for controller in CONTROLLERS:
            for door in controller.doors:
                building, _dash, stairwell = door.place.partition("-")
                await hass.call(
                    "rental_units/assign_door",
                    **entry,
                    device_id=found[controller.serial][0],
                    door=str(door.number),
                    # Through the gate go all.
                    **(
                        {"building": building, "stairwell": stairwell}
                        if stairwell
                        else {}
                    ),
                )
        for number, row in enumerate(await self._tenants(), FIRST_CARD):
            await hass.call(
                "rental_units/issue_card",
                **entry,
                person_id=row["person_id"],
                card_number=str(number),
            )

    async def _tenants(self) -> list[dict[str, Any]]:
        """Return the tenants of the flat whose landlord has an account."""
        people = await self._people_of(LANDLORDS_UNIT)
        return [row for row in people if row["role"] == "tenant"]

    async def _people_of(self, title: str) -> list[dict[str, Any]]:
        """Return who is registered in a unit."""
        hass, entry = self._hass, {"entry_id": self._state["property"]}
        listed = await hass.call("rental_units/units", **entry)
        unit = next(row["unit_id"] for row in listed["units"] if row["title"] == title)
        found = await hass.call("rental_units/unit", **entry, unit_id=unit)
        people: list[dict[str, Any]] = found["people"]
        return people

    async def _confirmed(self) -> None:
        """Let them press the link in the test message: at their door they get a code then."""
        people = await self._people_of(LANDLORDS_UNIT)
        tenants = (row for row in people if row["role"] == "tenant")
        wanted = {
            "landlord": next(row for row in people if row["role"] == "landlord"),
            **{f"tenant-{number}": row for number, row in enumerate(tenants, 1)},
        }
        story = Story(self._hass, self._broker_port)
        await story.start()
        try:
            for who, row in wanted.items():
                await self._hass.action(
                    "rental_units.verify_contacts",
                    config_entry_id=self._state["property"],
                    person_id=row["person_id"],
                )
                await self._until(
                    "the test message has come",
                    partial(_press, story, f"{LANDLORDS_UNIT}-{who}"),
                )
        finally:
            await story.stop()

        async def confirmed() -> bool | None:
            return (
                all(
                    any(address["verified_at"] for address in row["addresses"])
                    for row in await self._people_of(LANDLORDS_UNIT)
                    if row["role"] in ("landlord", "tenant")
                )
                or None
            )

        await self._until("the numbers are confirmed", confirmed)

    async def _protected(self) -> None:
        """Switch the setting on, which is hidden until somebody looks for it."""
        hass = self._hass
        names = {
            device.name
            for _, device, _ in devices(self._language)
            if is_protected(device)
        }
        protected = {
            entry["id"]
            for entry in await self._ours()
            if (entry["name_by_user"] or entry["name"]) in names
        }
        switches = [
            entry["entity_id"]
            for entry in await hass.call("config/entity_registry/list")
            if entry["device_id"] in protected
            and entry["unique_id"].endswith("/protected")
        ]
        for entity_id in switches:
            await hass.call(
                "config/entity_registry/update", entity_id=entity_id, disabled_by=None
            )
        # Home Assistant would reload the gateways half a minute later, in the middle of
        # what somebody is looking at.
        await self._restart()
        await self._connect()

        async def shown() -> bool | None:
            states = {row["entity_id"] for row in await hass.call("get_states")}
            return True if states.issuperset(switches) else None

        await self._until("the protected loads are there", shown)
        await hass.action("switch.turn_on", {"entity_id": switches})

    async def _energy(self) -> None:
        sensors = await self._keys("energy")
        await self._hass.call(
            "energy/save_prefs",
            energy_sources=[
                {
                    "type": "grid",
                    "stat_energy_from": entity_id,
                    "cost_adjustment_day": 0,
                    "name": area,
                }
                for area, entity_id in sensors.items()
                if "distribution" in entity_id or "pei_dian" in entity_id
            ],
            device_consumption=[
                {"stat_consumption": entity_id, "name": area}
                for area, entity_id in sensors.items()
                if area in {place.id for place in PLACES}
            ],
        )

    async def _keys(self, key: str) -> dict[str, str]:
        """Return entities by their area's name, for a key such as `energy`."""
        areas = {
            area["area_id"]: area["name"]
            for area in await self._hass.call("config/area_registry/list")
        }
        ours = {entry["id"]: entry for entry in await self._ours()}
        return {
            areas[ours[entry["device_id"]]["area_id"]]: entry["entity_id"]
            for entry in await self._hass.call("config/entity_registry/list")
            if entry["device_id"] in ours
            and entry["unique_id"].rpartition("/")[2] == key
            and ours[entry["device_id"]]["area_id"]
        }

    async def _panel(self) -> None:
        """Let everybody begin in the control room."""
        await self._hass.call(
            "frontend/set_system_data", key="core", value={"default_panel": PANEL}
        )

    async def _blueprints(self) -> None:
        """Install blueprints, and make an automation of each that is new."""
        if not BLUEPRINTS.is_dir():
            return
        folder = CONFIG / "blueprints" / "automation" / DOMAIN
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(BLUEPRINTS.glob("*.yaml")):
            shutil.copyfile(path, folder / path.name)
        listed = await self._hass.call("blueprint/list", domain="automation")
        for path in sorted(BLUEPRINTS.glob("*.yaml")):
            key = f"blueprint {path.stem}"
            if key in self._done:
                continue
            try:
                title = await self._automate(path, listed.get(f"{DOMAIN}/{path.name}"))
            except CallError as err:
                # The rest of the demo is worth having; the next start tries again.
                self._say(f"✗ Blueprint {path.name} cannot be used: {err}")
                continue
            self._say(f"Automation: {title}")
            self._done.append(key)
            write(STATE_FILE, self._state)

    async def _automate(self, path: Path, listed: dict[str, Any] | None) -> str:
        """Make an automation of a blueprint; return its name. Raises CallError."""
        if listed is None or "error" in listed:
            raise CallError(
                (listed or {}).get("error", "Home Assistant cannot read it")
            )
        title = str(listed["metadata"]["name"])
        entities = await self._hass.call("config/entity_registry/list")
        ours = {
            domain: [
                row["entity_id"]
                for row in entities
                if row["entity_id"].startswith(f"{domain}.")
                and row["platform"] in (DOMAIN, "rental_units")
            ]
            for domain in ("cover", "todo")
        }
        shed = await self._area_ids(DEFAULT_PLACES["pile-smoke"])
        inputs = {
            NOTIFY_INPUT: {"entity_id": await self._phones()},
            LANGUAGE_INPUT: self._language,
            "alert_people": True,
            "tell_e_bike": True,
            WATCHED_INPUT: {"area_id": shed},
            # It has the charging piles' own response.
            "left_out": shed,
            "doors": [
                row["entity_id"]
                for row in entities
                if row["platform"] == DOMAIN
                and row["unique_id"].rpartition("/")[2].startswith("passage_")
            ],
            "barriers": ours["cover"],
            "lists": ours["todo"],
        }
        offered = _inputs(listed["metadata"]["input"])
        if "default" in (offered.get(WATCHED_INPUT) or {}):
            # The whole house, where a blueprint does not ask to be told.
            del inputs[WATCHED_INPUT]
        await self._hass.rest(
            "POST",
            f"/api/config/automation/config/demo_{path.stem}",
            {
                "alias": title,
                "use_blueprint": {
                    "path": f"{DOMAIN}/{path.name}",
                    "input": {key: inputs[key] for key in inputs if key in offered},
                },
            },
        )
        return title

    async def _area_ids(self, place_id: str) -> list[str]:
        """Return the area of a place of the compound."""
        names = {place.names[self._name] for place in PLACES if place.id == place_id}
        return [
            area["area_id"]
            for area in await self._hass.call("config/area_registry/list")
            if area["name"] in names
        ]

    async def _phones(self) -> list[str]:
        """Return the notify entities of the simulated phones."""
        return [
            entry["entity_id"]
            for entry in await self._hass.call("config/entity_registry/list")
            if entry["entity_id"].startswith("notify.") and entry["platform"] == "mqtt"
        ]

    async def _ours(self) -> list[dict[str, Any]]:
        """Return the devices behind our gateways."""
        return [row for row in await self._all_devices() if row["via_device_id"]]

    async def _all_devices(self) -> list[dict[str, Any]]:
        """Return our devices, gateways included."""
        entries = {entry["entry_id"] for entry in await self._entries(DOMAIN)}
        return [
            row
            for row in await self._hass.call("config/device_registry/list")
            if entries.intersection(row["config_entries"])
        ]

    async def _entries(self, domain: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self._hass.call(
            "config_entries/get", domain=domain
        )
        return found

    async def _discovered(self, unique_id: str) -> str | None:
        """Return the flow of a gateway that Home Assistant has found by itself."""
        flows = await self._hass.call("config_entries/flow/progress")
        return next(
            (
                str(flow["flow_id"])
                for flow in flows
                if flow["context"].get("unique_id") == unique_id
            ),
            None,
        )

    async def _until[T](self, what: str, look: Callable[[], Awaitable[T | None]]) -> T:
        """Return what `look` finds, as soon as it does. Raises SetupError."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                while True:
                    if (found := await look()) is not None:
                        return found
                    await asyncio.sleep(0.2)
        except TimeoutError as err:
            raise SetupError(f"Waited in vain until {what}") from err


async def _press(story: Story, resident: str) -> bool | None:
    """Press the link that a resident was sent; None: none has come yet."""
    try:
        await story.do("answer", resident, way="sms", word="confirm")
    except StoryError:
        return None
    return True


async def onboard(hass: HomeAssistant, language: str) -> str:
    """Be the first user of a Home Assistant, and return a token of that user."""
    code = await hass.rest(
        "POST",
        "/api/onboarding/users",
        {
            "name": "Demo",
            "username": USER,
            "password": PASSWORD,
            "client_id": hass.client_id,
            "language": language,
        },
    )
    tokens = await hass.rest(
        "POST",
        "/auth/token",
        form={
            "grant_type": "authorization_code",
            "code": code["auth_code"],
            "client_id": hass.client_id,
        },
    )
    hass.token = tokens["access_token"]
    await hass.rest("POST", "/api/onboarding/analytics", {})
    await hass.rest(
        "POST",
        "/api/onboarding/integration",
        {
            "client_id": hass.client_id,
            "redirect_uri": f"{hass.url}/?auth_callback=1",
        },
    )
    await hass.connect()
    return str(
        await hass.call(
            "auth/long_lived_access_token", client_name="scripts/demo", lifespan=3650
        )
    )


def _inputs(rows: dict[str, Any]) -> dict[str, Any]:
    """Return a blueprint's inputs by name, also those in sections."""
    return {
        name: inner
        for key, row in rows.items()
        for name, inner in ((row or {}).get("input") or {key: row}).items()
    }
