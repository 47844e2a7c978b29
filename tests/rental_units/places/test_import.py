"""Places in the register's file: where units are, and what is no unit."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from sqlalchemy import select

from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.const import PartyKind, Reason
from custom_components.rental_units.places.book import PlaceBook
from custom_components.rental_units.register.models import Person
from custom_components.rental_units.transfer.actions import (
    async_export_content,
    async_import_content,
)
from custom_components.rental_units.transfer.importing import Asked
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import area_registry as ar
from tests.rental_units.common import administrator

from .conftest import ids_of

FILE = """\
楼栋,单元,房号,地点类别,地点名称,楼层,纬度,经度,标准地址,区域,角色,姓名,主体类型,电话
1,1,101,商铺,,1层,30.5001,114.3001,,,租客,MARK-COMPANY,单位,13800138001
1,1,102,,,B1,,,,,,,,
,,,充电点,北门车棚,,30.5002,114.3002,马克路1号北门,Shed,,,,
1,,,楼栋,,,30.5003,114.3003,马克路1号1栋,,,,,
"""
WRONG = """\
building,stairwell,number,kind,place,storey,latitude,longitude,rooms
1,1,101,,,cellar,91,114,
1,1,102,,Name,999,30.5,,
,,,charging,,,,,2
7,,,stairwell,,,x,y,
1,1,103,palace,,,,,
"""


async def imported(
    hass: HomeAssistant, entry: MockConfigEntry, text: str, *, dry_run: bool = False
) -> dict[str, Any]:
    """Import a file; return what is answered."""
    application = application_of(hass, entry.entry_id)
    user = administrator(hass)
    asked = Asked(application, Context(user_id=user.id), Reason.MANAGEMENT)
    answer = await async_import_content(
        asked, text.encode(), language="en", dry_run=dry_run
    )
    await hass.async_block_till_done()
    return answer


async def exported(hass: HomeAssistant, entry: MockConfigEntry) -> str:
    """Return the register's file."""
    application = application_of(hass, entry.entry_id)
    context = Context(user_id=administrator(hass).id)
    asked = Asked(application, context, Reason.MANAGEMENT)
    _, content = await async_export_content(asked, language="zh-Hans", excel=False)
    return content.decode("utf-8-sig")


async def test_places_of_a_file(
    hass: HomeAssistant, entry: MockConfigEntry, book: PlaceBook
) -> None:
    """It is tried first, then written once; what it says comes out again."""
    before = await ids_of(hass, entry)
    tried = await imported(hass, entry, FILE, dry_run=True)
    assert (tried["errors"], tried["places_added"], tried["places_changed"]) == (
        [],
        1,
        3,
    )
    assert await ids_of(hass, entry) == before
    assert (await imported(hass, entry, FILE))["imported"]
    ids = await ids_of(hass, entry)
    shop = book.places[ids["shop 1-1-101"]]
    assert shop.id == before["unit 1-1-101"]
    assert (shop.storey, shop.latitude, shop.longitude) == (1, 30.5001, 114.3001)
    assert book.places[ids["unit 1-1-102"]].storey == -1
    shed = book.places[ids["charging 北门车棚"]]
    area = ar.async_get(hass).async_get_area_by_name("Shed")
    assert area
    assert (shed.address, shed.area_id) == ("马克路1号北门", area.id)
    assert book.places[ids["building 1"]].latitude == 30.5003
    (person,) = await entry.runtime_data.async_run(
        lambda session: session.scalars(select(Person)).all()
    )
    assert person.kind == PartyKind.ORGANISATION

    again = await imported(hass, entry, FILE)
    counts = ("places_added", "places_changed", "people_changed", "units_changed")
    assert [again[key] for key in counts] == [0, 0, 0, 0]
    out = await exported(hass, entry)
    for text in ("商铺", "充电点", "北门车棚", "单位", "马克路1号北门", "30.5003"):
        assert text in out
    whole = await imported(hass, entry, out, dry_run=True)
    assert whole["errors"] == []
    assert whole["summary"]["added"] == whole["summary"]["changed"] == 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_unit_that_is_new_with_its_place(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A new unit comes with its place, and is a place once."""
    text = "building,number,kind,storey\n7,1,shop,2\n"
    assert (await imported(hass, entry, text))["imported"]
    ids = await ids_of(hass, entry)
    assert {"shop 7-1", "building 7"} <= ids.keys()
    assert len([name for name in ids if name.endswith("7-1")]) == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_what_is_wrong_in_a_file(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Each mistake is named by its cell, and changes nothing."""
    before = await ids_of(hass, entry)
    answer = await imported(hass, entry, WRONG)
    assert not answer["imported"]
    assert {
        (row["row"], row["column"], row["problem"]) for row in answer["errors"]
    } == {
        (2, "storey", "not_a_storey"),
        (2, "latitude", "not_a_position"),
        (3, "place", "not_of_a_unit"),
        (3, "storey", "not_a_storey"),
        (3, "longitude", "missing"),
        (4, "place", "missing"),
        (4, "rooms", "not_of_a_place"),
        (5, "stairwell", "missing"),
        (5, "latitude", "not_a_position"),
        (5, "longitude", "not_a_position"),
        (6, "kind", "unknown"),
    }
    assert await ids_of(hass, entry) == before


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_contradictions(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Two rows of one unit say the same of where it is."""
    text = "building,stairwell,number,storey\n1,1,101,3\n1,1,101,4\n"
    (error,) = (await imported(hass, entry, text))["errors"]
    assert (error["row"], error["column"], error["problem"]) == (
        3,
        "storey",
        "contradiction",
    )
