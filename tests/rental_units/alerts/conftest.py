"""A property with people in its register, and providers that are real servers."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import time, timedelta
from types import MappingProxyType
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)
from sqlalchemy import select

from custom_components.rental_units.alerts.const import EVENT_ALERT
from custom_components.rental_units.alerts.engine import Engine
from custom_components.rental_units.alerts.models import Delivery, Entry
from custom_components.rental_units.alerts.runtime import engine_of
from custom_components.rental_units.const import DOMAIN, SUBENTRY_RESPONDER
from custom_components.rental_units.register.models import (
    ContactAddress,
    Lease,
    Person,
    Responder,
)
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import area_registry as ar, entity_registry as er
from homeassistant.setup import async_setup_component
from tests.common import real_seconds
from tests.rental_units.common import add_units

from .providers import Provider

#: Real seconds in which something on the loopback address must have happened.
PATIENCE = 60
#: No real person or number: 555 numbers and placeholder names.
NUMBERS = {
    "tenant-a": "+12025550101",
    "tenant-b": "+12025550102",
    "landlord": "+12025550103",
    "fire-post": "+12025550104",
    "neighbour": "+12025550105",
}
TWILIO = {
    "provider": "twilio",
    "account_sid": "AC-placeholder",
    "auth_token": "placeholder",
    "from": "+12025550100",
}


class House:
    """A property under test."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: MockConfigEntry,
        freezer: FrozenDateTimeFactory,
    ) -> None:
        """Initialize."""
        self.hass = hass
        self.entry = entry
        self.freezer = freezer
        self.events: list[Event] = async_capture_events(hass, EVENT_ALERT)
        self.units: dict[str, str] = {}
        self.area_id = ""

    @property
    def engine(self) -> Engine:
        """Return the engine of now."""
        engine = engine_of(self.hass, self.entry.entry_id)
        assert engine
        return engine

    def kinds(self) -> list[str]:
        """Return what the events have told."""
        return [event.data["type"] for event in self.events]

    def active(self, flat: str) -> str:
        """Return the state of a flat's `alert active`."""
        entity_id = er.async_get(self.hass).async_get_entity_id(
            "binary_sensor", DOMAIN, f"{self.units[flat]}_alert_active"
        )
        state = self.hass.states.get(entity_id or "")
        assert state
        return state.state

    def fault(self) -> str:
        """Return the state of what tells that messages do not go out."""
        entity_id = er.async_get(self.hass).async_get_entity_id(
            "binary_sensor", DOMAIN, f"{self.entry.entry_id}_alert_fault"
        )
        state = self.hass.states.get(entity_id or "")
        assert state
        return state.state

    async def move_in(self) -> None:
        """Let people live in three flats of one stairwell."""
        self.area_id = ar.async_get(self.hass).async_get_or_create("1-1-201").id
        numbers = ("201", "202", "203")
        rows = [
            {"building": "1", "stairwell": "1", "number": number} for number in numbers
        ]
        rows[0]["area_id"] = self.area_id
        added = await add_units(self.hass, self.entry, *rows)
        self.units = dict(zip(numbers, added, strict=True))
        duty = ConfigSubentry(
            data=MappingProxyType({"duty": "fire_post"}),
            subentry_type=SUBENTRY_RESPONDER,
            title="Fire post",
            unique_id="fire-post",
        )
        self.hass.config_entries.async_add_subentry(self.entry, duty)
        await self.hass.async_block_till_done()

        def fill(session: Any) -> None:
            for key, flat, role in (
                ("tenant-a", "201", "tenant"),
                ("tenant-b", "201", "tenant"),
                ("landlord", "201", "landlord"),
                ("neighbour", "202", "tenant"),
                ("fire-post", "", ""),
            ):
                person = Person(id=key, name=f"Placeholder {key}", language="en")
                for channel in ("sms", "call"):
                    person.addresses.append(
                        ContactAddress(
                            id=f"{key}-{channel}",
                            channel=channel,
                            target=NUMBERS[key],
                        )
                    )
                session.add(person)
                session.flush()
                if flat:
                    session.add(
                        Lease(unit_id=self.units[flat], person_id=key, role=role)
                    )
            session.add(Responder(id=duty.subentry_id, person_id="fire-post"))

        await self.entry.runtime_data.async_run(fill)
        await self.entry.runtime_data.phonebook.async_learn()

    async def put_address(
        self,
        key: str,
        channel: str,
        target: str,
        quiet: tuple[time, time] | None = None,
    ) -> None:
        """Give a person one more address, or quiet hours."""

        def put(session: Any) -> None:
            session.merge(
                ContactAddress(
                    id=f"{key}-{channel}",
                    person_id=key,
                    channel=channel,
                    target=target,
                    quiet_from=quiet and quiet[0],
                    quiet_until=quiet and quiet[1],
                )
            )

        await self.entry.runtime_data.async_run(put)

    async def forget_address(self, key: str) -> None:
        """Take an address away."""
        register = self.entry.runtime_data

        def forget(session: Any) -> None:
            session.delete(session.get(ContactAddress, key))

        await register.async_run(forget)
        await register.phonebook.async_learn()

    def options(self, **options: Any) -> None:
        """Change the options."""
        self.hass.config_entries.async_update_entry(
            self.entry, options={**self.entry.options, **options}
        )

    async def alert(self, **data: Any) -> str:
        """Call the action, and return the alert's id."""
        if not any(key in data for key in ("area_id", "unit_id", "device_id")):
            data["area_id"] = self.area_id
        answer = await self.hass.services.async_call(
            DOMAIN, "alert", data, blocking=True, return_response=True
        )
        assert answer
        return str(answer["alert_id"])

    async def get(self, **data: Any) -> Any:
        """Return the alerts."""
        answer = await self.hass.services.async_call(
            DOMAIN, "get_alerts", data, blocking=True, return_response=True
        )
        assert answer
        return answer["alerts"]

    async def until(self, proof: Callable[[], bool]) -> None:
        """Work until something is so. What it waits for takes real time, frozen or not."""
        deadline = real_seconds() + PATIENCE
        while real_seconds() < deadline:
            if proof():
                return
            await self.hass.async_block_till_done()
            await asyncio.sleep(0)
        states = {
            row.address_id: (str(row.state), row.reason, row.due_at)
            for row in self.engine.dispatcher.deliveries.values()
        }
        pytest.fail(f"Nothing came of it: {states}")

    async def settled(self) -> None:
        """Work until nothing is being sent and all is on disk."""
        is_settled = False
        while not is_settled:
            await self.until(self._is_quiet)
            # Whatever has waited for the disk alone goes on with it.
            await self.engine.ledger.async_flush()
            is_settled = self._is_quiet()

    def _is_quiet(self) -> bool:
        engine = self.engine
        return (
            not engine.telling
            # A step sets the time of the next one before its deliveries begin.
            and not engine._walking
            and not any(
                row.state == "active" and row.due_at is None
                for row in (*engine.alerts.values(), *engine.personal.alerts.values())
            )
            and not any(
                row.state == "sending" or (row.state == "queued" and not row.due_at)
                for row in engine.dispatcher.deliveries.values()
            )
        )

    async def stored(self) -> dict[str, Delivery]:
        """Return the deliveries on disk by their address."""
        await self.engine.ledger.async_flush()
        rows = await self.entry.runtime_data.async_run(
            lambda session: session.scalars(
                select(Delivery).order_by(Delivery.step, Delivery.round)
            ).all()
        )
        return {row.address_id: row for row in rows}

    async def timeline(self) -> list[str]:
        """Return the kinds of the lines on disk."""
        await self.engine.ledger.async_flush()
        return list(
            await self.entry.runtime_data.async_run(
                lambda session: session.scalars(
                    select(Entry.kind).order_by(Entry.at, Entry.id)
                ).all()
            )
        )

    async def tick(self, seconds: float) -> None:
        """Let time pass, and what is done from time to time end.

        Home Assistant runs the latter in the background, where nothing waits for it.
        """
        self.freezer.tick(timedelta(seconds=seconds))
        async_fire_time_changed(self.hass)
        await self.hass.async_block_till_done()
        regular = [
            task
            for task in asyncio.all_tasks()
            if task.get_name().startswith("track time ")
        ]
        await self.until(lambda: all(task.done() for task in regular))

    async def restart(self) -> None:
        """Unload and load the property."""
        assert await self.hass.config_entries.async_reload(self.entry.entry_id)
        await self.hass.async_block_till_done()


@pytest.fixture
async def entry(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, database: dict[str, Any]
) -> MockConfigEntry:
    """Return a property without units, on each kind of database; time is frozen by then."""
    entry = MockConfigEntry(domain=DOMAIN, title="Property 1", data=database)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


@pytest.fixture
async def house(
    hass: HomeAssistant,
    socket_enabled: None,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> House:
    """Return a property in which people live, without a provider."""
    await async_setup_component(hass, "http", {})
    hass.config.external_url = "https://house.example"
    house = House(hass, entry, freezer)
    await house.move_in()
    # What the start has begun in the background is over: a test may break what it works with.
    await hass.async_block_till_done(wait_background_tasks=True)
    return house


@pytest.fixture
async def add_provider(
    hass: HomeAssistant, socket_enabled: None
) -> AsyncGenerator[Callable[..., Awaitable[Provider]]]:
    """Return a function that starts a provider, in the network of the house itself."""
    hass.config.allowlist_external_urls.add("http://127.0.0.1")
    providers: list[Provider] = []

    async def add(answer: dict[str, Any] | None = None) -> Provider:
        provider = Provider(answer)
        await provider.start()
        providers.append(provider)
        return provider

    yield add
    for provider in providers:
        await provider.close()


@pytest.fixture
async def sms(
    house: House, add_provider: Callable[..., Awaitable[Provider]]
) -> Provider:
    """Return the provider of SMS."""
    provider = await add_provider()
    channels = house.entry.options.get("channels", {})
    house.options(channels={**channels, "sms": {**TWILIO, "url": provider.url}})
    return provider


@pytest.fixture
async def call(
    house: House, add_provider: Callable[..., Awaitable[Provider]]
) -> Provider:
    """Return the provider of calls."""
    provider = await add_provider()
    channels = house.entry.options.get("channels", {})
    house.options(channels={**channels, "call": {**TWILIO, "url": provider.url}})
    return provider
