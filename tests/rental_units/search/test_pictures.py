"""A picture of what was seen: for who has a case, once, from the camera, and kept nowhere."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
import io
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from PIL import Image
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)
from sqlalchemy import select

from custom_components.rental_units.register.models import Audit
from custom_components.rental_units.search.models import SearchDeed
from custom_components.rental_units.search.pictures import DATA_PICTURES, LINK_SECONDS
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from simulator.frigate import Event, Fault, Frigate
from tests.common import Peer
from tests.community_safety.gateways.frigate.common import (
    add_frigate,
    device_of,
    settled,
)
from tests.rental_units.common import account, call, check_in
from tests.rental_units.panel import Panel, panel_of
from tests.rental_units.reports.pictures import COMMENT, MAKER, photo

from .conftest import CARD, NOW, Open, Street

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
async def now(peer: Peer, freezer: FrozenDateTimeFactory) -> None:
    """Let time stand still once the broker was heard, which takes some."""
    freezer.move_to(NOW)


@dataclass(slots=True)
class Site:
    """A Frigate, and what is asked of it in a search."""

    hass: HomeAssistant
    peer: Peer
    frigate: Frigate
    gateway: MockConfigEntry
    street: Street
    panel: Panel
    client: Any
    case: str

    @property
    def camera(self) -> str:
        """Return Home Assistant's id of the camera."""
        found = device_of(self.hass).device_id
        assert found
        return found

    async def see(self, picture: bytes | None = None) -> Event:
        """Let somebody be seen, and photographed."""
        person = self.frigate.see(label="person")
        person.picture = picture
        self.frigate.end(person)
        await settled(self.hass, self.peer, self.gateway)
        await self.street.flush()
        return person

    async def look(self, **said: Any) -> dict[str, Any]:
        """Return what was seen at the camera."""
        asked = said or {"places": [[self.camera, None]]}
        found: dict[str, Any] = await self.panel.get(
            "search_sightings", case_id=self.case, **asked
        )
        return found

    def shot(self, look: dict[str, Any], index: int = 0) -> dict[str, Any]:
        """Return what is asked for the picture of a sighting."""
        row = look["sightings"][index]
        return {
            "case_id": self.case,
            "deed_id": look["deed_id"],
            **{key: row[key] for key in ("device_id", "door", "event_id")},
        }

    async def link(self) -> str:
        """Return a link to the picture of the last sighting."""
        shot = self.shot(await self.look())
        return str((await self.panel.get("search_picture", **shot))["path"])

    async def status(self, path: str, **more: Any) -> int:
        """Return what a link comes to."""
        return int((await self.client.get(path, **more)).status)

    async def deeds(self) -> list[tuple[str, str | None]]:
        """Return how often somebody was shown a picture, and who."""
        query = select(SearchDeed.what, SearchDeed.who).where(
            SearchDeed.what == "pictured"
        )
        return await self.street.entry.runtime_data.async_run(
            lambda session: [tuple(row) for row in session.execute(query)]
        )


@pytest.fixture
async def site(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    peer: Peer,
    street: Street,
    panel: Panel,
    opened: Open,
    hass_client_no_auth: ClientSessionGenerator,
) -> AsyncGenerator[Site]:
    """Return a property with a Frigate, and a search for a child."""
    frigate = Frigate(
        lambda topic, payload, retain: peer.publish(topic, payload, retain=retain),
        clock=dt_util.utcnow,
    )
    await frigate.start()
    frigate.keep("gate_in", 40)
    frigate.announce()
    await peer.settled()
    gateway = await add_frigate(hass, peer, frigate)
    case = await opened(subject="MARK-CHILD")
    client = await hass_client_no_auth()
    yield Site(hass, peer, frigate, gateway, street, panel, client, case)
    await frigate.stop()


async def test_from_the_sighting_to_its_picture(
    site: Site, hass_admin_user: Any
) -> None:
    """It is written anew, and in the case and in the audit; the link is good once."""
    await site.see(photo())
    look = await site.look()
    (seen,) = look["sightings"]
    assert seen["pictured"]
    path = await site.link()
    # Nobody has looked at it yet, and nobody has asked the camera.
    assert await site.deeds() == []
    assert not [row for row in site.frigate.asked if row.endswith(".jpg")]
    answer = await site.client.get(path)
    assert answer.status == 200
    body = await answer.read()
    assert Image.open(io.BytesIO(body)).format == "JPEG"
    assert COMMENT not in body
    assert MAKER.encode() not in body
    assert answer.content_type == "image/jpeg"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert await site.status(path) == 404
    ((what, who),) = await site.deeds()
    assert what == "pictured"

    def audited(session: Any) -> list[str | None]:
        deed = session.scalars(
            select(SearchDeed).where(SearchDeed.what == "pictured")
        ).one()
        query = select(Audit.who).where(Audit.command_id == deed.command_id)
        return list(session.scalars(query))

    assert await site.street.entry.runtime_data.async_run(audited) == [who]
    shown = await site.panel.get("search_case", case_id=site.case)
    assert "pictured" in {row["what"] for row in shown["deeds"]}


async def test_nobody_elses(
    hass: HomeAssistant,
    site: Site,
    entry: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """A link is for whom it was made: not for who may look too, nor for who has only the address."""
    await site.see(photo())
    path = await site.link()
    bare = path.partition("?")[0]
    assert await site.status(bare) == 401
    assert await site.status(f"{bare}?authSig=x") == 401
    officer = await account(hass, entry, "duty")
    token = hass.auth.async_create_access_token(
        await hass.auth.async_create_refresh_token(officer, "https://example.com/")
    )
    headers = {"Authorization": f"Bearer {token}"}
    assert await site.status(bare, headers=headers) == 404
    assert await site.deeds() == []
    # Nor is it spent by them.
    assert await site.status(path) == 200
    # Who may not search is given none.
    clerk = await account(hass, entry, "desk")
    shot = site.shot(await site.look())
    panel = await panel_of(hass, entry, hass_ws_client, clerk)
    answer = await panel.ask("search_picture", **shot)
    assert answer["error"]["code"] == "unauthorized"


async def test_not_for_long(site: Site) -> None:
    """After two minutes it is over; so it is with the property's next start."""
    await site.see(photo())
    path = await site.link()
    site.street.freezer.tick(LINK_SECONDS + 1)
    assert await site.status(path) == 401
    path = await site.link()
    assert await site.hass.config_entries.async_reload(site.street.entry.entry_id)
    await site.hass.async_block_till_done(wait_background_tasks=True)
    assert await site.status(path) == 404
    path = path.replace(site.street.entry.entry_id, "none")
    assert await site.status(path) == 401
    assert await site.deeds() == []


@pytest.mark.parametrize("when", ["before", "meanwhile"])
async def test_never_after_the_case(
    site: Site, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it is closed nobody sees a picture, also if it was closed while the camera was asked."""
    await site.see(photo())
    path = await site.link()
    close = {"case_id": site.case, "outcome": "found"}
    if when == "before":
        await site.panel.get("close_search_case", **close)
    else:
        pictures = site.hass.data[DATA_PICTURES]
        fetch = pictures.async_fetch

        async def closed_meanwhile(*args: Any) -> bytes:
            content = await fetch(*args)
            await site.panel.get("close_search_case", **close)
            return content

        monkeypatch.setattr(pictures, "async_fetch", closed_meanwhile)
    assert await site.status(path) == 403
    assert len(await site.deeds()) == (when == "meanwhile")
    asked = [row for row in site.frigate.asked if row.endswith(".jpg")]
    assert len(asked) == (when == "meanwhile")


@pytest.mark.parametrize(
    "fault", ["gone", Fault.ENDLESS, Fault.NO_JPEG, Fault.BROKEN, "damaged", "log-in"]
)
async def test_what_the_camera_answers(site: Site, fault: str) -> None:
    """Whatever it is instead of a picture, nobody is shown it, and nothing else ends."""
    person = await site.see(None if fault == "damaged" else photo())
    path = await site.link()
    match fault:
        case "gone":
            del site.frigate.events[person.id]
        case "log-in":
            site.frigate.users["viewer"] = "another password"
        case Fault():
            site.frigate.faults.add(fault)
    answer = await site.client.get(path)
    assert answer.status == 502
    assert await answer.read() == b""
    # That somebody wanted to see it is written down all the same.
    assert len(await site.deeds()) == 1


async def test_only_what_the_look_has_shown(site: Site) -> None:
    """Neither what another look would show, nor what only somebody else has seen."""
    await site.see(photo())
    first = site.shot(await site.look())
    site.street.freezer.tick(60)
    before = dt_util.utcnow()
    await site.see(photo())
    later = await site.look(places=[[site.camera, None]], since=before.isoformat())
    assert len(later["sightings"]) == 1
    for wrong in (
        {"deed_id": later["deed_id"]},
        {"event_id": "sight 1790000000.5-abcdef"},
        {"door": "2"},
    ):
        refusal = await site.panel.refusal("search_picture", **{**first, **wrong})
        assert refusal == "no_search_picture", wrong
    refusal = await site.panel.refusal("search_picture", **{**first, "deed_id": "x"})
    assert refusal == "no_search_look"


async def test_where_there_is_none(
    hass: HomeAssistant, site: Site, entry: MockConfigEntry, opened: Open
) -> None:
    """A door has no pictures, a gateway that is away gives none, and a copy has none in it."""
    person = await check_in(hass, entry, "1-1-101", name="MARK-CHILD", phone=None)
    await call(hass, "issue_card", {"person_id": person, "card_number": CARD})
    await site.street.see("School", CARD, event_id="sight e1")
    await site.see(photo())
    theirs = await opened(kind="access_copy", person_id=person)
    copy = await site.panel.get("search_sightings", case_id=theirs)
    (seen,) = copy["sightings"]
    assert not seen["pictured"]
    shot = {**site.shot(copy), "case_id": theirs}
    assert await site.panel.refusal("search_picture", **shot) == "no_search_picture"
    found = await site.look(category="person")
    assert [row["pictured"] for row in found["sightings"]] == [True]
    path = await site.link()
    assert await hass.config_entries.async_unload(site.gateway.entry_id)
    assert await site.status(path) == 502
    found = await site.look(category="person")
    assert [row["pictured"] for row in found["sightings"]] == [False]
