"""Places and their plates, as the property office sets them up, and what a passer-by does.

What is scanned and sent here goes the way of everybody: without an account.
"""

from collections.abc import Awaitable, Callable
import re
from typing import Any, Final

import aiohttp

from simulator.compound import LANGUAGES, PLACES
from simulator.residents import NUMBER
from simulator.scanning import as_phone, corridor, scan

from .flows import OPTIONS, SetupError, walk
from .home_assistant import HomeAssistant
from .place import DEMO

#: The sheets of labels, to be looked at and printed.
LABELS: Final = DEMO / "labels.html"
#: In the state: what the codes hold, by `1-1-201`, `1-1`, or the id of a place of the compound.
PLATES: Final = "plates"
#: Where a hazard is reported.
HAZARD: Final = "1-2"
#: The middle of the compound, and how far from it things are, in degrees north and east.
CENTRE: Final = (30.42, 120.28)
_WHERE: Final = {
    "1": (0.0005, -0.0005),
    "1-1": (0.0001, -0.0008),
    "1-2": (0.0001, -0.0002),
    "2": (0.0002, 0.0006),
    "2-1": (-0.0002, 0.0006),
    "shed": (-0.0005, -0.0004),
    "pump-room": (-0.0006, 0.0006),
}
#: A storey is drawn so far behind the one below it.
_STOREY: Final = 0.00006
#: Places of the compound that are no building, and what they are.
_OWN: Final = {"shed": "charging", "pump-room": "shared_place"}
_SIGNED: Final = re.compile(r'name="form" value="([^"]+)"')

type Step = Callable[[str, str, Callable[[], Awaitable[None]]], Awaitable[None]]


class Plates:
    """Sets places and plates up, each thing once."""

    def __init__(
        self, hass: HomeAssistant, state: dict[str, Any], step: Step, language: str
    ) -> None:
        """Initialize; `state` is kept, `step` does what has not been done yet."""
        self._hass = hass
        self._state = state
        self._step = step
        self._language = language
        self._name = LANGUAGES.index(language)

    async def run(self) -> None:
        """Do what has not been done yet. Raises SetupError."""
        for step in (
            ("place options", "Places: police station and office", self._options),
            ("place details", "Places: addresses, floors, positions", self._details),
            ("plates", f"Plates are printed: {LABELS}", self._print),
            ("hazard", "A passer-by scans one and reports a hazard", self._report),
        ):
            await self._step(*step)

    def _said(self, *texts: str) -> str:
        return texts[self._name]

    async def _call(self, command: str, **more: Any) -> Any:
        return await self._hass.call(
            f"rental_units/{command}", entry_id=self._state["property"], **more
        )

    async def _options(self) -> None:
        """Say whom the page behind each plate names."""
        await walk(
            self._hass,
            OPTIONS,
            self._state["property"],
            {"next_step_id": "places"},
            {
                "station": self._said(
                    "Xingqiao police station", "星桥派出所", "星橋派出所"
                ),
                # Of the numbers that are kept for fiction: at a desk, and nobody's own.
                "station_phone": NUMBER.format(99),
                "office_phone": NUMBER.format(98),
                "meeting_point": self._said(
                    "Lawn at the east gate", "东门草坪", "東門草坪"
                ),
            },
        )

    async def _details(self) -> None:
        areas = {
            row["name"]: row["area_id"]
            for row in await self._hass.call("config/area_registry/list")
        }
        names = {place.id: place.names[self._name] for place in PLACES}
        for place_id, kind in _OWN.items():
            name = names[place_id]
            await self._call(
                "save_place",
                kind=kind,
                name=name,
                area_id=areas[name],
                address=self._said(
                    f"Xingqiao, {name}", f"星桥小区{name}", f"星橋社區{name}"
                ),
                **_position(place_id),
            )
        for row in (await self._call("place_list"))["places"]:
            if row["kind"] not in _OWN.values():
                await self._call(
                    "save_place", place_id=row["place_id"], **self._about(row)
                )

    def _about(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return what is said of a building, a stairwell or a unit."""
        building, stairwell, number = row["building"], row["stairwell"], row["number"]
        if number:
            # 201 is on the second floor.
            storey = int(number) // 100
            return {"storey": storey, **_position(f"{building}-{stairwell}", storey)}
        address = self._said(
            f"Xingqiao, building {building}",
            f"星桥小区 {building} 幢",
            f"星橋社區 {building} 棟",
        )
        if stairwell:
            address += self._said(
                f", stairwell {stairwell}", f" {stairwell} 单元", f" {stairwell} 梯"
            )
        return {"address": address, **_position(key_of(row))}

    async def _print(self) -> None:
        """Print all plates, and scan each as who hangs it up does."""
        rows = (await self._call("place_list"))["places"]
        printed = await self._call(
            "print_codes",
            place_ids=[row["place_id"] for row in rows],
            language=self._language,
        )
        LABELS.write_text(printed["html"], "utf-8")
        LABELS.chmod(0o600)
        own = {place.names[self._name]: place.id for place in PLACES}
        self._state[PLATES] = {
            own.get(row["name"]) or key_of(row): address.rpartition("/")[2]
            for row, address in zip(rows, scan(printed["html"]), strict=True)
        }

    async def _report(self) -> None:
        """Fill in the form behind a plate, as a phone does."""
        where = CENTRE[0] + _WHERE[HAZARD][0], CENTRE[1] + _WHERE[HAZARD][1]
        page = f"{self._hass.url}/api/q/{self._state[PLATES][HAZARD]}/report"
        async with aiohttp.ClientSession(
            headers={"Accept-Language": self._language},
            timeout=aiohttp.ClientTimeout(30),
        ) as phone:
            async with phone.get(page) as answer:
                signed = _SIGNED.search(await answer.text())
            if signed is None:
                raise SetupError("The plate leads to no form")
            form = aiohttp.FormData()
            form.add_field("form", signed[1])
            form.add_field("category", "escape_route")
            form.add_field(
                "text",
                self._said(
                    "Boxes before the door on the first floor: nobody gets past.",
                    "一楼安全出口门前堆满纸箱，人过不去。",
                    "一樓安全門前堆滿紙箱，人過不去。",
                ),
            )
            photo = as_phone(corridor(is_clear=False), *where)
            form.add_field(
                "photo", photo, filename="IMG_0001.HEIC", content_type="image/heic"
            )
            async with phone.post(page, data=form, allow_redirects=False) as answer:
                if answer.status != 303:
                    raise SetupError(f"The report was not taken: {answer.status}")


def key_of(row: dict[str, Any]) -> str:
    """Return what the demo calls a place: `1-1-201`, `1-1`, `1`."""
    parts = (row["building"], row["stairwell"], row["number"])
    return "-".join(part for part in parts if part)


def _position(key: str, storey: int = 0) -> dict[str, float]:
    """Return where something is; nothing for what is on no plan."""
    if key not in _WHERE:
        return {}
    north, east = _WHERE[key]
    return {
        "latitude": round(CENTRE[0] + north + storey * _STOREY, 6),
        "longitude": round(CENTRE[1] + east, 6),
    }
