"""The picture of who is lost: for those who are told, while the case is open, and gone with it."""

from base64 import b64decode, b64encode
import io
from typing import Any

from PIL import Image
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from sqlalchemy import func, select

from custom_components.rental_units.alerts.const import Severity
from custom_components.rental_units.alerts.engine import Request
from custom_components.rental_units.alerts.models import Alert
from custom_components.rental_units.alerts.views import ANSWERS_A_MINUTE
from custom_components.rental_units.search.book import SearchBook
from custom_components.rental_units.search.const import CASE_SECONDS
from custom_components.rental_units.search.rows import PICTURE_KIND
from custom_components.rental_units.storage.errors import RegisterError
from custom_components.rental_units.storage.vault import CompartmentRow
from homeassistant.core import HomeAssistant
from tests.rental_units.alerts.conftest import (
    House,
    add_provider,  # noqa: F401
    house,  # noqa: F401
    sms,  # noqa: F401
)
from tests.rental_units.alerts.providers import Provider
from tests.rental_units.common import call
from tests.rental_units.panel import Panel
from tests.rental_units.reports.pictures import COMMENT, MAKER, photo, scene

from .conftest import PLATE, Street, plate
from .test_told import entry, opened  # noqa: F401

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


async def attach(panel: Panel, case: str, data: bytes | None = None) -> None:
    """Attach a photo as phones make them."""
    given = b64encode(data or photo()).decode()
    await panel.get("attach_search_picture", case_id=case, photo=given)


async def kept(house: House) -> int:  # noqa: F811
    """Return how many pictures there are in the register."""
    query = select(func.count()).where(CompartmentRow.kind == PICTURE_KIND)
    return int(
        await house.entry.runtime_data.async_run(
            lambda session: session.scalar(query.select_from(CompartmentRow))
        )
    )


def links(house: House, alert: Alert | None = None) -> list[str]:  # noqa: F811
    """Return the pages of those who are told of an open alert."""
    engine = house.engine
    alert = alert or next(row for row in engine.alerts.values() if row.private)
    return [f"/api/r/{engine.links.token(row)}" for row in engine.dispatcher.of(alert)]


@pytest.fixture
async def client(hass_client_no_auth: ClientSessionGenerator, street: Street) -> Any:
    """Return a browser without an account."""
    return await hass_client_no_auth()


async def test_seen_until_it_is_over(
    house: House,  # noqa: F811
    sms: Provider,  # noqa: F811
    street: Street,
    panel: Panel,
    client: Any,
) -> None:
    """It is on the page of who was told, written anew; when the child is found it is nowhere."""
    await street.see("School", **plate())
    case = await opened(panel, plate=PLATE)
    await panel.get("alert_search_case", case_id=case)
    await house.settled()
    (page,) = links(house)
    assert "<img" not in await (await client.get(page)).text()
    assert (await client.get(f"{page}/picture")).status == 404
    await attach(panel, case)
    shown = await client.get(page)
    assert f'src="{page}/picture"' in await shown.text()
    assert "img-src 'self'" in shown.headers["Content-Security-Policy"]
    answer = await client.get(f"{page}/picture")
    body = await answer.read()
    assert (answer.status, answer.content_type) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(body)).format == "JPEG"
    assert COMMENT not in body
    assert MAKER.encode() not in body
    assert answer.headers["Cache-Control"] == "no-store"
    # Not what fetches ahead, nor the page of another site.
    for name, value in (("Sec-Purpose", "prefetch"), ("Sec-Fetch-Site", "cross-site")):
        ahead = await client.get(f"{page}/picture", headers={name: value})
        assert ahead.status == 404
    # Who opens the case sees the same; another one takes its place.
    seen = await panel.get("search_case_picture", case_id=case)
    assert b64decode(seen["content"]) == body
    await attach(panel, case, photo("png", scene(2)))
    assert await kept(house) == 1
    assert (await panel.get("search_case", case_id=case))["pictured"]
    await panel.get("close_search_case", case_id=case, outcome="found")
    assert await kept(house) == 0
    await house.settled()
    assert (await client.get(f"{page}/picture")).status == 404
    assert await panel.refusal("search_case_picture", case_id=case) == (
        "search_case_closed"
    )
    deeds = [
        row["what"] for row in (await panel.get("search_case", case_id=case))["deeds"]
    ]
    assert deeds.count("attached") == 2


@pytest.mark.parametrize("ends", ["time", "removed", "erased"])
async def test_gone_by_itself(
    hass: HomeAssistant,
    house: House,  # noqa: F811
    sms: Provider,  # noqa: F811
    street: Street,
    panel: Panel,
    client: Any,
    ends: str,
) -> None:
    """Also if nobody closes the case, if somebody takes the picture away, or who it shows is erased."""
    about = {"person_id": "tenant-a"} if ends == "erased" else {}
    case = await opened(panel, **about)
    await attach(panel, case)
    await panel.get("alert_search_case", case_id=case)
    await house.settled()
    (page,) = links(house)
    assert (await client.get(f"{page}/picture")).status == 200
    match ends:
        case "time":
            await street.later(CASE_SECONDS + 1)
            await house.settled()
        case "removed":
            await panel.get("attach_search_picture", case_id=case)
        case _:
            await call(hass, "erase_person", {"person_id": "tenant-a"})
    assert await kept(house) == 0
    assert (await client.get(f"{page}/picture")).status == 404


@pytest.mark.parametrize(
    ("more", "given", "refusal"),
    [
        ({"kind": "vehicle", "plate": PLATE}, photo(), "search_tells_nobody"),
        ({}, b"no photo", "photo_not_a_photo"),
        ({}, None, "photo_not_a_photo"),
    ],
)
async def test_no_picture(
    house: House,  # noqa: F811
    street: Street,
    panel: Panel,
    more: dict[str, str],
    given: bytes | None,
    refusal: str,
) -> None:
    """Of a car nobody is told, and what is no photo is none."""
    case = await opened(panel, **more)
    text = b64encode(given).decode() if given else "no base64!"
    assert (
        await panel.refusal("attach_search_picture", case_id=case, photo=text)
        == refusal
    )
    assert await panel.refusal("search_case_picture", case_id=case) == (
        "no_search_picture"
    )
    assert await kept(house) == 0


async def test_nobody_elses(
    house: House,  # noqa: F811
    sms: Provider,  # noqa: F811
    street: Street,
    panel: Panel,
    client: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The page of another alert has none, nor has who guesses; a register that is away says later."""
    case = await opened(panel)
    await attach(panel, case)
    fire = await house.engine.async_raise(
        Request(
            severity=Severity.ALARM,
            hazard="smoke",
            audience=("responders",),
            # Not even if somebody writes that it is about the search.
            incident_id=f"search:{case}",
        )
    )
    await house.settled()
    (page,) = links(house, fire)
    assert "<img" not in await (await client.get(page)).text()
    assert (await client.get(f"{page}/picture")).status == 404
    await panel.get("alert_search_case", case_id=case)
    await house.settled()
    (page,) = links(house)

    async def away(*_: Any) -> None:
        raise RegisterError("register_locked")

    with monkeypatch.context() as patch:
        patch.setattr(SearchBook, "async_picture", away)
        assert (await client.get(f"{page}/picture")).status == 503
    statuses = [
        (await client.get(f"{page}/picture")).status for _ in range(ANSWERS_A_MINUTE)
    ]
    assert statuses[0] == 200
    assert statuses[-1] == 429
    guesses = [(await client.get(f"/api/r/guess{n}/picture")).status for n in range(61)]
    assert (guesses[0], guesses[-1]) == (404, 429)
