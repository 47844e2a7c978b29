"""Whoever is in charge of a round is told in time, on their own phones, and of nobody by name."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.rental_units.alerts.const import Severity
from custom_components.rental_units.alerts.engine import Engine
from custom_components.rental_units.alerts.people import CALLER
from custom_components.rental_units.care.visits import rows
from custom_components.rental_units.storage.errors import RegisterError
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from tests.rental_units.alerts.conftest import (
    House,
    add_provider,  # noqa: F401
    house,  # noqa: F401
)
from tests.rental_units.alerts.providers import Provider
from tests.rental_units.alerts.test_phones import (
    Register,
    paths,
    pushed,  # noqa: F401
    register,  # noqa: F401
)
from tests.rental_units.common import account, call
from tests.rental_units.reports.test_triage import passes
from tests.rental_units.search.conftest import FreshPanel

from .conftest import agrees, rounds_of


@pytest.fixture
async def entry(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, database: dict[str, Any]
) -> MockConfigEntry:
    """Return a property without units; the house brings its own."""
    entry = MockConfigEntry(domain="rental_units", title="Property 1", data=database)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


def said(house: House) -> list[tuple[str | None, str]]:  # noqa: F811
    """Return what the alerts say, and how bad it is, in their order."""
    alerts = sorted(house.engine.alerts.values(), key=lambda row: row.id)
    return [(row.message, row.severity) for row in alerts]


class Rounds:
    """People who are visited by one user, who has the app."""

    def __init__(self, house: House, panel: FreshPanel, user: MockUser) -> None:  # noqa: F811
        """Initialize."""
        self.house, self.panel, self.user = house, panel, user

    async def begin(self, *people: str) -> None:
        """Let people agree, and be visited each week."""
        for person in people:
            await agrees(self.house.hass, person)
            await self.panel.get(
                "put_round", person_id=person, risk="high", in_charge=self.user.id
            )

    async def miss(self, *people: str) -> None:
        """Let nobody open."""
        for person in people:
            seen = {"outcome": "not_met", "no_scan": "no_plate"}
            await self.panel.get("record_visit", person_id=person, **seen)

    async def later(self, **time: float) -> None:
        """Let time go by, and all be told."""
        await passes(self.house.hass, self.house.freezer, **time)
        await self.house.settled()


@pytest.fixture
async def rounds(
    hass: HomeAssistant,
    house: House,  # noqa: F811
    register: Register,  # noqa: F811
    hass_ws_client: WebSocketGenerator,
    hass_admin_user: MockUser,
) -> Rounds:
    """Return what lets people be visited by a user, who has a phone."""
    await register("own", "Placeholder own")
    panel = FreshPanel(hass, house.entry, hass_ws_client, hass_admin_user)
    return Rounds(house, panel, hass_admin_user)


async def test_told(
    house: House,  # noqa: F811
    rounds: Rounds,
    pushed: Provider,  # noqa: F811
) -> None:
    """An event, what is overdue, and who is not met again: each once, together, by their number."""
    await rounds.begin("tenant-a", "neighbour")
    await rounds.later(seconds=1)
    assert said(house) == []
    for person in ("tenant-a", "neighbour"):
        await rounds.panel.get("request_visit", person_id=person)
    await rounds.later(minutes=6)
    assert [severity for _, severity in said(house)] == ["message"] * 2
    assert "24 hours" in str(said(house)[0][0])
    (alert, _) = house.engine.alerts.values()
    assert (alert.private, alert.audiences, alert.who) == (
        True,
        [CALLER],
        rounds.user.id,
    )
    assert paths(pushed) == ["/own"] * 2
    await rounds.later(hours=20)
    assert len(pushed.heard) == 2
    await rounds.later(hours=5)
    message, severity = said(house)[-1]
    assert message == (
        "Overdue: 2. Who it is, the control room shows under Care visits."
    )
    assert len(pushed.heard) == 3
    await rounds.miss("tenant-a")
    await rounds.later(minutes=6)
    assert len(pushed.heard) == 3
    await rounds.later(days=1)
    await rounds.miss("tenant-a")
    await rounds.later(minutes=6)
    message, severity = said(house)[-1]
    assert severity == Severity.WARNING
    assert "two days or more in a row: 1." in str(message)
    assert len(pushed.heard) == 4
    interruption = pushed.heard[-1]["json"]["data"]["push"]["interruption-level"]
    assert interruption == "time-sensitive"
    told = repr(pushed.heard)
    for kept in ("Placeholder tenant", "1-1-201", "1-1-202"):
        assert kept not in told
    # Once, over a restart too.
    await house.restart()
    await rounds.later(minutes=6)
    assert len(pushed.heard) == 4


async def test_told_of_what_came_due_meanwhile(
    house: House,  # noqa: F811
    rounds: Rounds,
    pushed: Provider,  # noqa: F811
) -> None:
    """Home Assistant was off: what is overdue is told with the start."""
    await rounds.begin("tenant-a")
    await house.hass.config_entries.async_unload(house.entry.entry_id)
    house.freezer.tick(timedelta(days=9))
    assert await house.hass.config_entries.async_setup(house.entry.entry_id)
    await house.hass.async_block_till_done(wait_background_tasks=True)
    await house.settled()
    assert paths(pushed) == ["/own"]


@pytest.mark.parametrize("lacks", ["account", "role", "phone"])
async def test_nobody_is_told(
    hass: HomeAssistant,
    house: House,  # noqa: F811
    rounds: Rounds,
    lacks: str,
) -> None:
    """Who is gone, may not visit any more, or has no phone cannot be told: that is shown."""
    worker = await account(hass, house.entry, "grid_worker")
    await rounds.begin("tenant-a")
    said_ = {"person_id": "tenant-a", "risk": "high", "in_charge": worker.id}
    await rounds.panel.get("put_round", **said_)
    if lacks == "account":
        await hass.auth.async_remove_user(worker)
    if lacks == "role":
        of_entry = {"config_entry_id": house.entry.entry_id}
        (grant,) = (await call(hass, "get_roles", of_entry))["roles"]
        await call(hass, "revoke_role", {**of_entry, "grant_id": grant["grant_id"]})
    await rounds.panel.get("request_visit", person_id="tenant-a")
    await rounds.later(minutes=6)
    assert said(house) == []
    assert rounds_of(hass, house.entry).figures.untold == 1
    # Somebody else sees to it, and is told at once.
    await rounds.begin("tenant-a")
    await rounds.later(seconds=1)
    assert len(said(house)) == 1
    assert rounds_of(hass, house.entry).figures.untold == 0


@pytest.mark.parametrize("fails", ["raise", "know"])
async def test_told_after_a_failure(
    hass: HomeAssistant,
    house: House,  # noqa: F811
    rounds: Rounds,
    pushed: Provider,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    fails: str,
) -> None:
    """What could not be told is told later; what was told, and could not be written, not twice."""

    async def refuse(*_: Any) -> None:
        raise HomeAssistantError("test")

    def away(*_: Any, **__: Any) -> None:
        raise RegisterError("register_full")

    await rounds.begin("tenant-a")
    with monkeypatch.context() as patch:
        if fails == "raise":
            patch.setattr(Engine, "async_raise", refuse)
        else:
            patch.setattr(rows, "know", away)
        await rounds.panel.get("request_visit", person_id="tenant-a")
        for _ in range(3):
            await rounds.later(minutes=6)
        assert len(said(house)) == (0 if fails == "raise" else 1)
        untold = rounds_of(hass, house.entry).figures.untold
        assert untold == (1 if fails == "raise" else 0)
    await rounds.later(minutes=6)
    assert len(said(house)) == 1
    assert len(pushed.heard) == 1
