"""Who waits is told of the next sighting; who responds is told how somebody looks, while it is needed."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from sqlalchemy import select

from custom_components.rental_units.alerts.const import Severity
from custom_components.rental_units.alerts.engine import Engine, Request
from custom_components.rental_units.alerts.models import Alert
from custom_components.rental_units.alerts.people import CALLER
from custom_components.rental_units.register import Address
from custom_components.rental_units.search import book
from custom_components.rental_units.search.book import DATA_SEARCHES
from custom_components.rental_units.search.const import CASE_SECONDS
from custom_components.rental_units.search.texts import texts
from custom_components.rental_units.sightings.store import KIND
from custom_components.rental_units.storage.errors import RegisterError
from custom_components.rental_units.storage.vault import CompartmentRow, Vault
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import area_registry as ar, floor_registry as fr
from tests.rental_units.alerts.conftest import (
    NUMBERS,
    House,
    add_provider,  # noqa: F401
    house,  # noqa: F401
    sms,  # noqa: F401
)
from tests.rental_units.alerts.providers import Provider
from tests.rental_units.alerts.test_phones import (
    Register,
    paths,
    pushed,  # noqa: F401
    register,  # noqa: F401
)
from tests.rental_units.common import account, call
from tests.rental_units.panel import Panel, panel_of

from .conftest import PLATE, FreshPanel, Street, plate

LOOKS = "MARK-RED-JACKET"


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


def said(house: House) -> list[tuple[str | None, bool, list[str]]]:  # noqa: F811
    """Return what the open alerts say, if it is about somebody, and to whom."""
    alerts = sorted(house.engine.alerts.values(), key=lambda row: row.id)
    return [(row.message, row.private, row.audiences) for row in alerts]


async def stored(house: House) -> list[str | None]:  # noqa: F811
    """Return what the alerts say in the database, whatever has become of them."""
    await house.engine.ledger.async_flush()
    query = select(Alert.message).order_by(Alert.id)
    return list(
        await house.entry.runtime_data.async_run(
            lambda session: session.scalars(query).all()
        )
    )


async def opened(panel: Panel, **more: Any) -> str:
    """Open a search."""
    data = {
        "kind": "lost_child",
        "authority": "13800138000",
        "subject": "MARK-CHILD",
        "description": LOOKS,
        **more,
    }
    return str((await panel.get("open_search_case", **data))["case_id"])


async def test_responders(
    hass: HomeAssistant,
    house: House,  # noqa: F811
    street: Street,
    panel: Panel,
    add_provider: Any,  # noqa: F811
) -> None:
    """They hear how the child looks and where it was; when it is over, that is taken back."""
    robot = await add_provider({})
    row = {"form": "wecom", "url": f"{robot.url}/robot", "secret": "placeholder"}
    house.options(channels={"robot": {"robots": [row]}})
    await street.see("School", **plate(), inwards=False)
    case = await opened(panel, plate=PLATE)
    assert await panel.get("alert_search_case", case_id=case) == {"told": True}
    await house.settled()
    ((message, private, audiences),) = said(house)
    assert message
    assert private
    assert audiences == ["responders"]
    assert LOOKS in message
    assert "Area of School · School 1" in message
    for kept in ("MARK-CHILD", "13800138000", PLATE):
        assert kept not in message
    (alert,) = house.engine.alerts.values()
    assert "School" not in alert.place
    # No robot passes it on to everybody, and no loudspeaker.
    assert robot.heard == []
    await panel.get("close_search_case", case_id=case, outcome="found")
    await house.settled()
    assert [row[0] for row in said(house)] == [texts("en")["over"]]
    assert LOOKS not in repr(await stored(house))
    # Once.
    await hass.config_entries.async_reload(house.entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(await stored(house)) == 2


@pytest.mark.parametrize(
    ("seen_at", "first"),
    [("Shop", "+12025550108"), ("School", "+12025550107"), ("East gate", None)],
)
async def test_those_near_hear_of_it_first(
    hass: HomeAssistant,
    house: House,  # noqa: F811
    sms: Provider,  # noqa: F811
    street: Street,
    panel: Panel,
    seen_at: str,
    first: str | None,
) -> None:
    """Who is on duty in the area or in its building; all others are told after them, and told."""
    floor = fr.async_get(hass).async_create("Building 1").floor_id
    areas = ar.async_get(hass)
    for name in ("Shop", "Stairwell 1-1"):
        area = areas.async_get_area_by_name(f"Area of {name}")
        assert area
        areas.async_update(area.id, floor_id=floor)
    for number, name in ((7, "School"), (8, "Stairwell 1-1")):
        area = areas.async_get_area_by_name(f"Area of {name}")
        assert area
        flows = hass.config_entries.subentries
        flow = await flows.async_init(
            (house.entry.entry_id, "responder"), context={"source": "user"}
        )
        await flows.async_configure(
            flow["flow_id"],
            {
                "duty": "volunteer",
                "name": f"Placeholder {name}",
                "phone": f"+1202555010{number}",
                "areas": [area.id],
            },
        )
        await hass.async_block_till_done()
    await street.see(seen_at, **plate())
    case = await opened(panel, plate=PLATE)
    assert await panel.get("alert_search_case", case_id=case) == {"told": True}
    await house.settled()
    engine = house.engine
    (alert,) = engine.alerts.values()
    rows = [row for row in engine.dispatcher.of(alert) if row.channel == "sms"]
    order = []
    for row in rows:
        found = await engine.people.async_find(alert, row.address_id)
        assert found
        assert isinstance(found[1], Address)
        order.append(found[1].target)
    assert sorted(order) == [NUMBERS["fire-post"], "+12025550107", "+12025550108"]
    assert order[0] == (first or NUMBERS["fire-post"])
    # Where that was is in no row but in what is taken back.
    assert alert.area_ids == []


async def test_told_anew(
    house: House,  # noqa: F811
    street: Street,
    panel: Panel,
) -> None:
    """A new place takes the place of the old one."""
    case = await opened(panel, plate=PLATE)
    await panel.get("alert_search_case", case_id=case)
    assert "No door" in repr(said(house))
    await street.see("Shop", **plate())
    await panel.get("alert_search_case", case_id=case)
    ((message, *_),) = said(house)
    assert "Area of Shop" in str(message)
    assert (await stored(house)).count(None) == 1


async def test_over_by_itself(
    house: House,  # noqa: F811
    street: Street,
    panel: Panel,
) -> None:
    """What those who respond were told goes with the day too, whoever forgets to close it."""
    case = await opened(panel)
    await panel.get("alert_search_case", case_id=case)
    await street.later(CASE_SECONDS + 1)
    await house.settled()
    assert LOOKS not in repr(await stored(house))
    assert (
        house.hass.data[DATA_SEARCHES][house.entry.entry_id].cases[case].taken_back_at
    )


async def test_taken_back_after_a_failure(
    house: House,  # noqa: F811
    street: Street,
    panel: Panel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What cannot be taken back now is taken back later."""
    case = await opened(panel)
    await panel.get("alert_search_case", case_id=case)

    async def away(*_: Any) -> None:
        raise RegisterError("register_locked")

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "async_take_back", away)
        await panel.get("close_search_case", case_id=case, outcome="found")
        assert LOOKS in repr(await stored(house))
    await street.later(31)
    await house.settled()
    assert LOOKS not in repr(await stored(house))


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"description": ""}, "search_no_description"),
        ({"kind": "vehicle", "plate": PLATE}, "search_tells_nobody"),
    ],
)
async def test_nobody_is_told(
    house: House,  # noqa: F811
    street: Street,
    panel: Panel,
    more: dict[str, str],
    refusal: str,
) -> None:
    """Without a description there is nothing to look for, and a car is no lost child."""
    case = await opened(panel, **more)
    assert await panel.refusal("alert_search_case", case_id=case) == refusal
    assert said(house) == []


async def test_next_sighting(
    hass: HomeAssistant,
    house: House,  # noqa: F811
    street: Street,
    pushed: Provider,  # noqa: F811
    register: Register,  # noqa: F811
    hass_ws_client: WebSocketGenerator,
    hass_admin_user: MockUser,
) -> None:
    """Who has asked is told on their own phone, of what is new, and of nobody by name."""
    await register("own", "Placeholder own")
    await street.see("School", **plate())
    panel = FreshPanel(hass, house.entry, hass_ws_client, hass_admin_user)
    case = await opened(panel, plate=PLATE)
    answer = await panel.get("watch_search_case", case_id=case)
    assert answer == {"phones": 1}
    await street.later(60)
    await street.see("School", "4711")
    # Told late, it is older than what is known.
    await street.see("Shop", **plate(), at=1.0)
    assert said(house) == []
    await street.see("East gate", **plate("浙AOTIK9"))
    await house.settled()
    ((message, private, audiences),) = said(house)
    assert (private, audiences) == (True, [CALLER])
    assert "East gate 1" in str(message)
    assert "may be taken for" in str(message)
    assert "MARK" not in str(message)
    (alert,) = house.engine.alerts.values()
    assert alert.who == hass_admin_user.id
    assert paths(pushed) == ["/own"]
    # Where it was is in what is taken back, and in no list; nor does it break one.
    assert "East gate" not in alert.place
    watching = await panel_of(hass, house.entry, hass_ws_client, hass_admin_user)
    assert alert.id in (await watching.follow("subscribe_response"))["items"]
    # Until it closes.
    await panel.get("close_search_case", case_id=case, outcome="found")
    await street.see("School", **plate())
    assert said(house) == []


async def test_seen_while_nobody_was_here(
    hass: HomeAssistant,
    house: House,  # noqa: F811
    street: Street,
    panel: Panel,
) -> None:
    """What was written before an end, and told to nobody, is told after the next start."""
    case = await opened(panel, plate=PLATE)
    await panel.get("watch_search_case", case_id=case)
    searches = hass.data[DATA_SEARCHES][house.entry.entry_id]
    searches.cases = {}
    await street.see("Shop", **plate())
    assert said(house) == []
    await hass.config_entries.async_reload(house.entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    ((message, *_),) = said(house)
    assert "Shop 1" in str(message)
    await hass.config_entries.async_reload(house.entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(said(house)) == 1


@pytest.mark.parametrize("fails", ["read", "raise", "know"])
async def test_told_after_a_failure(
    house: House,  # noqa: F811
    street: Street,
    panel: Panel,
    monkeypatch: pytest.MonkeyPatch,
    fails: str,
) -> None:
    """Whatever fails when somebody was seen, who waits is told; it is no later sighting."""
    case = await opened(panel, plate=PLATE)
    await panel.get("watch_search_case", case_id=case)

    async def no_engine(*_: Any) -> None:
        raise HomeAssistantError

    def away(*_: Any, **__: Any) -> None:
        raise RegisterError("register_locked")

    with monkeypatch.context() as patch:
        if fails == "raise":
            patch.setattr(Engine, "async_raise", no_engine)
        else:
            patch.setattr(book, "newest" if fails == "read" else "know", away)
        await street.see("Shop", **plate())
        assert len(said(house)) == (fails == "know")
        await street.see("School", "4711")
    await street.later(31)
    assert "Shop 1" in str(said(house)[-1][0])
    count = len(said(house))
    await street.later(31)
    await street.see("School", "4711")
    assert len(said(house)) == count


async def test_of_some_digits(
    house: House,  # noqa: F811
    street: Street,
    panel: Panel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who waits for a plate of which not all is known has those decrypted that passed now."""
    for number in range(20):
        await street.see("School", **plate(f"浙B{number:05}"))
    case = await opened(panel, plate="A0T*")
    await panel.get("watch_search_case", case_id=case)
    opens, decrypted = Vault.open_if_possible, list[str]()

    def count(self: Vault, row: CompartmentRow | None) -> str | None:
        text = opens(self, row)
        if row and row.kind == KIND and text:
            decrypted.append(text)
        return text

    monkeypatch.setattr(Vault, "open_if_possible", count)
    await street.see("Shop", **plate())
    assert "Shop 1" in str(said(house)[-1][0])
    assert decrypted == [PLATE]


async def test_told_when_it_is_over(
    house: House,  # noqa: F811
    street: Street,
    panel: Panel,
) -> None:
    """Nobody is told how somebody looks once the case is closed: nobody would take it back."""
    case = await opened(panel)
    searches = house.hass.data[DATA_SEARCHES][house.entry.entry_id]
    await panel.get("close_search_case", case_id=case, outcome="found")
    assert not await searches.async_tell(case, LOOKS, None)
    assert LOOKS not in repr(await stored(house))


async def test_looks_of_others(
    hass: HomeAssistant,
    house: House,  # noqa: F811
    street: Street,
    panel: Panel,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """What another has looked at, or what is of another plate, is not known to who waits."""
    case = await opened(panel, plate=PLATE)
    await panel.get("watch_search_case", case_id=case)
    searches = house.hass.data[DATA_SEARCHES][house.entry.entry_id]
    with pytest.MonkeyPatch.context() as patch:
        # It is looked at before it is told.
        patch.setattr(searches, "_written", lambda _ids: None)
        await street.see("Shop", **plate())
        await street.see("School", **plate("浙B88888"))
    officer = await account(hass, house.entry, "duty")
    other = await panel_of(hass, house.entry, hass_ws_client, officer)
    look = await other.get("search_sightings", case_id=case)
    assert len(look["sightings"]) == 1
    look = await panel.get("search_sightings", case_id=case, plate="浙B88888")
    assert len(look["sightings"]) == 1
    searches._written(())
    await hass.async_block_till_done(wait_background_tasks=True)
    assert "Shop 1" in str(said(house)[-1][0])


async def test_who_may_no_more(
    hass: HomeAssistant,
    house: House,  # noqa: F811
    street: Street,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """Whose role was taken hears of no sighting; who does not want to, neither."""
    officer = await account(hass, house.entry, "police")
    panel = await panel_of(hass, house.entry, hass_ws_client, officer)
    case = await opened(panel, plate=PLATE)
    await panel.get("watch_search_case", case_id=case)
    await panel.get("watch_search_case", case_id=case, watch=False)
    await street.see("Shop", **plate())
    assert said(house) == []
    panel = await panel_of(hass, house.entry, hass_ws_client, officer)
    await panel.get("watch_search_case", case_id=case)
    roles = await call(hass, "get_roles", {"config_entry_id": house.entry.entry_id})
    (grant,) = [row for row in roles["roles"] if row["user_id"] == officer.id]
    await call(
        hass,
        "revoke_role",
        {"config_entry_id": house.entry.entry_id, "grant_id": grant["grant_id"]},
    )
    await street.see("Shop", **plate())
    assert said(house) == []


async def test_nothing_of_it_in_a_file(
    house: House,  # noqa: F811
    street: Street,
    panel: Panel,
    hass_storage: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While the database takes nothing, rows of alerts wait in a file: without what they say."""
    case = await opened(panel)
    engine = house.engine

    async def away(*_: Any) -> None:
        raise RegisterError("register_locked")

    monkeypatch.setattr(engine.ledger, "_run", away)
    request = Request(
        severity=Severity.ALARM,
        message=LOOKS,
        audience=("responders",),
        incident_id=f"search:{case}",
        private=True,
    )
    await engine.async_raise(request)
    await house.until(lambda: engine.ledger._unwritten.is_there)
    assert "alerts" in repr(hass_storage)
    assert LOOKS not in repr(hass_storage)
