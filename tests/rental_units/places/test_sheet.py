"""Sheets of labels: what is on them, and what a print does."""

from collections.abc import Awaitable, Callable
import re
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
import segno

from custom_components.rental_units.places.book import CODE_PATH, PlaceBook
from custom_components.rental_units.places.sheet import MOST_LABELS
from homeassistant.components import tag
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from tests.rental_units.common import account, call, device_id
from tests.rental_units.panel import Panel

from .conftest import TOKEN, ids_of

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def code_of(address: str) -> str:
    """Return the picture of a code that says an address."""
    path = re.search(
        r'd="[^"]+"', segno.make_qr(address, error="q").svg_inline(border=4)
    )
    assert path
    return path[0]


async def test_print(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    panel: Panel,
    book: PlaceBook,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each label has its code, its address in plain text and its version; tags can be chosen."""
    tokens: list[str] = []
    new_token = book.new_token

    def noted() -> tuple[str, str]:
        token, digest = new_token()
        tokens.append(token)
        return token, digest

    monkeypatch.setattr(book, "new_token", noted)
    device = device_id(hass, entry, "1-1-101")
    await call(hass, "update_unit", {"device_id": device, "address": "1 <Mark> Street"})
    ids = await ids_of(hass, entry)
    unit, stairs = ids["unit 1-1-101"], ids["stairwell 1-1"]
    await panel.get("save_place", place_id=unit, grade="yellow", storey=-1)
    answer = await panel.get("print_codes", place_ids=[unit, stairs, unit])
    assert answer["printed"] == len(tokens) == 2
    html = answer["html"]
    assert html.count('class="label"') == 2
    for text in ("1 &lt;Mark&gt; Street", "1-1-101", "No. 1", "Basement 1"):
        assert text in html
    # What has no address is said by its names.
    assert "Property 1 Building 1, stairwell 1" in html
    assert html.count("background:#fff0b3") == 1
    for token in tokens:
        assert TOKEN.fullmatch(token)
        assert code_of(f"https://home.example.cn{CODE_PATH}/{token}") in html
        # Nobody copies it off the text.
        assert token not in html
        assert book.find(token)
    assert "<script" not in html
    known = {row.unique_id: row for row in er.async_get(hass).entities.values()}
    for place_id, name in ((unit, "1-1-101"), (stairs, "Building 1, stairwell 1")):
        assert known[book.places[place_id].tag_id].name == name

    again = await panel.get("print_codes", place_ids=[unit], language="zh-Hans")
    assert "第2版" in again["html"]
    assert "地下1层" in again["html"]
    assert book.find(tokens[0]) is None
    assert book.find(tokens[1])


async def test_what_is_not_printed(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    panel: Panel,
    panel_for: Callable[[MockUser], Awaitable[Panel]],
) -> None:
    """Without an address outside, of what there is not, or by who may not: nothing is void."""
    ids = list((await ids_of(hass, entry)).values())
    await panel.get("print_codes", place_ids=ids)
    before = (await panel.get("place_list"))["places"]
    assert await panel.refusal("print_codes", place_ids=[ids[0], "x"]) == (
        "no_such_place"
    )
    for wrong in ([], [ids[0]] * (MOST_LABELS + 1)):
        assert "Invalid" in await panel.refusal("print_codes", place_ids=wrong)
    police = await panel_for(await account(hass, entry, "police"))
    asked = {"place_ids": ids, "reason": "inspection"}
    assert await police.refusal("print_codes", **asked) == "Unauthorized"
    hass.config.external_url = None
    hass.config.internal_url = "http://192.168.1.2:8123"
    await hass.config_entries.async_reload(entry.entry_id)
    assert await panel.refusal("print_codes", place_ids=ids) == "no_address_outside"
    assert await police.refusal("print_codes", **asked) == "Unauthorized"
    assert (await panel.get("place_list"))["places"] == before


async def test_tag_of_a_place_that_goes(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel
) -> None:
    """A tag goes with its place."""
    place_id = (await panel.get("save_place", kind="shared_place", name="Roof"))[
        "written"
    ]
    await panel.get("print_codes", place_ids=[place_id])
    tag_id = (await panel.get("place", place_id=place_id))["tag_id"]
    registry = er.async_get(hass)
    assert registry.async_get_entity_id("tag", "tag", tag_id)
    await panel.get("remove_place", place_id=place_id)
    assert registry.async_get_entity_id("tag", "tag", tag_id) is None


async def test_what_fails_after_the_codes_were_issued(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel, book: PlaceBook
) -> None:
    """The codes of before are void: so the sheets come, whatever else does not."""
    place_id = (await ids_of(hass, entry))["unit 1-1-101"]
    base = book.address("")
    with (
        # The address outside goes just then, and somebody else makes the tag.
        patch.object(book, "address", side_effect=[base]),
        patch.object(
            hass.data[tag.TAG_DATA], "async_create_item", side_effect=HomeAssistantError
        ),
    ):
        answer = await panel.get("print_codes", place_ids=[place_id])
    assert answer["printed"] == answer["html"].count("<svg") == 1


async def test_tags_of_a_property_that_goes(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel
) -> None:
    """They go with it, those of removed units too, and nobody else's."""
    tags = hass.data[tag.TAG_DATA]
    await tags.async_create_item({"tag_id": "somebody-s", "name": "A card"})
    ids = list((await ids_of(hass, entry)).values())
    await panel.get("print_codes", place_ids=ids)
    assert len(tags.data) == len(ids) + 1
    await hass.config_entries.async_remove(entry.entry_id)
    assert set(tags.data) == {"somebody-s"}
