"""The sidecar as a user sets it up: accounts, apps, a property, providers, units, people."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.compound import COORDINATOR_PLACES, PLACES
from simulator.control import BOOK
from simulator.providers import CALL_ACCOUNT, SMS_ACCOUNT
from simulator.residents import RESIDENTS, Resident

from .flows import CONFIG, OPTIONS, SUBENTRIES, SetupError, begin, check, enter, walk
from .home_assistant import HomeAssistant, add_account
from .place import DEMO, write

DOMAIN = "rental_units"
#: The account of the residents' apps. In a real compound everybody has an own one.
USER = "residents"
PASSWORD = "residents-residents"  # noqa: S105 - of simulated phones, on the loopback address
APP = {
    "app_id": "simulated.app",
    "app_name": "Simulated app",
    "app_version": "1.0",
    "manufacturer": "Xingqiao Simulation",
    "model": "Phone",
    "os_name": "Android",
    "os_version": "17",
    "supports_encryption": False,
}

type Step = Callable[[str, str, Callable[[], Awaitable[None]]], Awaitable[None]]


class People:
    """Sets up Rental Units, each thing once."""

    def __init__(
        self,
        hass: HomeAssistant,
        state: dict[str, Any],
        step: Step,
        language: int,
        providers_port: int,
    ) -> None:
        """Initialize; `state` is kept, `step` does what has not been done yet."""
        self._hass = hass
        self._state = state
        self._step = step
        self._language = language
        self._url = f"http://127.0.0.1:{providers_port}"

    async def run(self) -> None:
        """Do what has not been done yet. Raises SetupError."""
        await self._address()
        names = {
            row["name"]: row["area_id"]
            for row in await self._hass.call("config/area_registry/list")
        }
        areas = {
            place.id: names[place.names[self._language]]
            for place in (*PLACES, *COORDINATOR_PLACES)
            if place.names[self._language] in names
        }
        here = [row for row in RESIDENTS if row.place is None or row.place in areas]
        await self._step("residents", "The residents' phones", self._account)
        await self._phones(here)
        await self._step("property", "Rental units: the property", self._property)
        if self._state.get("providers_url") != self._url:
            await self._channels()
            self._state["providers_url"] = self._url
        await self._book()
        await self._step("responders", "Responders", self._responders)
        for place_id in dict.fromkeys(row.place for row in here if row.place):

            async def add(unit: str = place_id) -> None:
                await self._unit(unit, areas[unit])

            await self._step(
                f"unit {place_id}", f"Unit {place_id}, landlord and tenants", add
            )

    async def _address(self) -> None:
        """Tell Home Assistant where it is reached: the links in messages lead there."""
        if self._state.get("url") != self._hass.url:
            await self._hass.call(
                "config/core/update",
                external_url=self._hass.url,
                internal_url=self._hass.url,
            )
            self._state["url"] = self._hass.url

    async def _account(self) -> None:
        await add_account(self._hass, "Residents", USER, PASSWORD, "system-read-only")

    async def _login(self) -> HomeAssistant:
        """Log in as the app does. Raises CallError."""
        app = HomeAssistant(int(self._hass.url.rpartition(":")[2]))
        flow = await app.rest(
            "POST",
            "/auth/login_flow",
            {
                "client_id": app.client_id,
                "handler": ["homeassistant", None],
                "redirect_uri": f"{app.url}/?auth_callback=1",
            },
        )
        code = await app.rest(
            "POST",
            f"/auth/login_flow/{flow['flow_id']}",
            {"client_id": app.client_id, "username": USER, "password": PASSWORD},
        )
        tokens = await app.rest(
            "POST",
            "/auth/token",
            form={
                "grant_type": "authorization_code",
                "code": code["result"],
                "client_id": app.client_id,
            },
        )
        app.token = tokens["access_token"]
        return app

    async def _phones(self, here: list[Resident]) -> None:
        """Register the apps, or tell them the push service's new address."""
        hooks: dict[str, str] = self._state.setdefault("webhooks", {})
        moved = self._state.get("providers_url") != self._url
        known = [row for row in here if row.id in hooks]
        for row in known if moved else ():
            data = {"app_data": self._token(row), **self._device(row)}
            for key in ("app_id", "app_name", "os_name", "supports_encryption"):
                del data[key]
            await self._hass.rest(
                "POST",
                f"/api/webhook/{hooks[row.id]}",
                {"type": "update_registration", "data": data},
            )
        if len(known) == len(here):
            return
        async with await self._login() as app:
            for row in here:
                if row.id in hooks:
                    continue
                answer = await app.rest(
                    "POST",
                    "/api/mobile_app/registrations",
                    {
                        "device_id": row.id,
                        "app_data": self._token(row),
                        **self._device(row),
                    },
                )
                hooks[row.id] = answer["webhook_id"]

    def _token(self, row: Resident) -> dict[str, str]:
        return {"push_token": row.id, "push_url": f"{self._url}/push"}

    def _device(self, row: Resident) -> dict[str, Any]:
        return {"device_name": row.names[self._language], **APP}

    async def _property(self) -> None:
        name = (await self._hass.call("get_config"))["location_name"]
        self._state["property"] = await walk(
            self._hass, CONFIG, DOMAIN, {"name": name, "database": "sqlite"}
        )

    async def _channels(self) -> None:
        """Have SMS and calls go to the simulated providers."""
        for channel, provider, account, path in (
            ("sms", "alibaba", SMS_ACCOUNT, "sms"),
            ("call", "twilio", CALL_ACCOUNT, "calls"),
        ):
            form = await begin(
                self._hass,
                OPTIONS,
                self._state["property"],
                {"next_step_id": "channel"},
                {"channel": channel},
                {"provider": provider},
            )
            if channel == "sms":
                url = form["description_placeholders"]["report_url"]
                self._state["sms_reports"] = url.removeprefix(self._hass.url)
            # Nothing is sent as a test: the providers ring nobody but the simulated phones.
            for answer in ({**account, "url": f"{self._url}/{path}"}, {}):
                form = await enter(self._hass, OPTIONS, form, answer)
            check(f"the channel {channel}", form)

    async def _book(self) -> None:
        """Write down what one enters in the console of a provider, and in an app."""
        url = self._hass.url
        write(
            DEMO / BOOK,
            {
                "webhooks": {
                    key: f"{url}/api/webhook/{hook}"
                    for key, hook in self._state["webhooks"].items()
                },
                "sms_reports": f"{url}{self._state['sms_reports']}",
                # In the template that the carrier has approved.
                "answers": f"{url}/api/r/",
            },
        )

    async def _responders(self) -> None:
        devices = await self._devices()
        for row in RESIDENTS:
            if row.place is None:
                await walk(
                    self._hass,
                    SUBENTRIES,
                    [self._state["property"], "responder"],
                    {"duty": row.role, **self._contact(row, devices)},
                )

    async def _unit(self, place_id: str, area_id: str) -> None:
        """Fill in the form of a unit."""
        building, stairwell, number = place_id.split("-")
        devices = await self._devices()
        people = [row for row in RESIDENTS if row.place == place_id]
        landlord = next(row for row in people if row.role == "landlord")
        today = datetime.now(UTC).date()
        # Leases end one after another: the first of them next week.
        units = list(dict.fromkeys(row.place for row in RESIDENTS if row.place))
        lease = {
            "start": (today - timedelta(days=90)).isoformat(),
            "end": (today + timedelta(days=6 + 45 * units.index(place_id))).isoformat(),
        }
        address = (
            f"Xingqiao, building {building}, stairwell {stairwell}, unit {number}",
            f"星桥小区 {building} 幢 {stairwell} 单元 {number} 室",
            f"星橋社區 {building} 棟 {stairwell} 梯 {number} 室",
        )
        await walk(
            self._hass,
            OPTIONS,
            self._state["property"],
            {"next_step_id": "units"},
            {"next_step_id": "unit_add"},
            {
                "building": building,
                "stairwell": stairwell,
                "number": number,
                "address": address[self._language],
                "area_id": area_id,
                "rooms": 2,
                "letting": "shared",
                "landlord": self._contact(landlord, devices),
                "tenants": [
                    {**self._contact(row, devices), **lease}
                    for row in people
                    if row.role == "tenant"
                ],
            },
        )

    def _contact(self, row: Resident, devices: dict[str, str]) -> dict[str, Any]:
        if row.id not in devices:
            raise SetupError(f"The app of {row.id} has no device")
        return {
            "name": row.names[self._language],
            "phone": row.number,
            "channels": ["sms", "call"],
            "push": devices[row.id],
        }

    async def _devices(self) -> dict[str, str]:
        """Return the devices of the apps by resident."""
        return {
            key: row["id"]
            for row in await self._hass.call("config/device_registry/list")
            for domain, key in row["identifiers"]
            if domain == "mobile_app"
        }
