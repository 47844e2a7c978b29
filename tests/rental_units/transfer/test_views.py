"""The register's file in the browser."""

from http import HTTPStatus
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from sqlalchemy import select
from sqlalchemy.orm import Session

from custom_components.rental_units.register.models import Audit, Unit
from custom_components.rental_units.transfer import importing, views
from homeassistant.core import HomeAssistant
from tests.rental_units.common import check_in, unit_id

HEAD = "楼栋,单元,房号,角色,姓名,电话\n"


@pytest.fixture
def database() -> dict[str, Any]:
    """Return the data of a property on SQLite."""
    return {}


@pytest.fixture
def path(entry: MockConfigEntry) -> str:
    """Return where the file is."""
    return views.PATH.format(entry_id=entry.entry_id)


async def test_up_and_down(
    hass: HomeAssistant, entry: MockConfigEntry, path: str, hass_client: Any
) -> None:
    """A file is tried, imported and comes back; who did it is written down."""
    client = await hass_client()
    text = f"{HEAD}1,1,101,租客,MARK-A,13800138001\n".encode("gbk")
    tried = await (await client.post(path, data=text)).json()
    assert (tried["imported"], tried["summary"]["added"]) == (False, 1)
    done = await (
        await client.post(path, params={"dry_run": "false"}, data=text)
    ).json()
    assert done["imported"]
    await hass.async_block_till_done()
    for form, begin in (("xlsx", b"PK"), ("csv", "﻿楼栋,单元,房号".encode())):
        query = {"format": form, "language": "zh-Hans"}
        response = await client.get(path, params=query)
        assert response.status == HTTPStatus.OK
        assert response.headers["Cache-Control"] == "no-store"
        assert f'.{form}"' in response.headers["Content-Disposition"]
        content = await response.read()
        assert content.startswith(begin)
        back = await (await client.post(path, data=content)).json()
        assert back["summary"]["unchanged"] == back["rows"] == 3

    def whats(session: Session) -> list[str]:
        return list(session.scalars(select(Audit.what).order_by(Audit.at)))

    audit = await entry.runtime_data.async_run(whats)
    assert audit.count("export_register") == 2
    # Each import, and the one part that was written.
    assert audit.count("import_register") == 5


async def test_errors_are_told_in_the_clerks_language(
    hass: HomeAssistant, path: str, hass_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong with a file or a request is said, and changes nothing."""
    client = await hass_client()

    async def post(data: bytes, **query: str) -> Any:
        response = await client.post(path, data=data, params=query)
        return response.status, await response.json()

    status, answer = await post(b"\xd0\xcf\x11\xe0", language="zh-Hant")
    assert (status, answer["code"]) == (HTTPStatus.BAD_REQUEST, "file_locked_or_old")
    assert "活頁簿" in answer["message"]
    status, answer = await post(f"{HEAD}1,1,3月1日,,,\n".encode(), language="zh-Hans")
    assert (status, answer["error_count"]) == (HTTPStatus.OK, 1)
    assert answer["errors"][0]["message"].startswith("C2 (房号) “3月1日”: 表格软件")
    assert (await post(b"", language="xx"))[0] == HTTPStatus.BAD_REQUEST
    monkeypatch.setattr(views, "MOST_BYTES", 100)
    assert (await post(b"x" * 101))[1]["code"] == "file_too_large"
    other = MockConfigEntry(domain="other")
    other.add_to_hass(hass)
    for entry_id in ("none", other.entry_id):
        response = await client.get(views.PATH.format(entry_id=entry_id))
        assert (await response.json())["code"] == "no_such_property"


async def test_a_register_that_is_not_loaded(
    hass: HomeAssistant, entry: MockConfigEntry, path: str, hass_client: Any
) -> None:
    """It is said so."""
    client = await hass_client()
    await hass.config_entries.async_unload(entry.entry_id)
    assert (await (await client.get(path)).json())["code"] == "property_not_loaded"


@pytest.mark.parametrize("method", ["get", "post"])
async def test_administrators_in_person(
    hass: HomeAssistant,
    path: str,
    method: str,
    hass_client: Any,
    hass_client_no_auth: Any,
    hass_admin_user: MockUser,
) -> None:
    """Nobody else has it: no other account, no program, no stranger."""
    stranger = await hass_client_no_auth()
    assert (await getattr(stranger, method)(path)).status == HTTPStatus.UNAUTHORIZED
    client = await hass_client()
    hass_admin_user.system_generated = True
    response = await getattr(client, method)(path)
    assert response.status == HTTPStatus.BAD_REQUEST
    assert (await response.json())["code"] == "needs_person"
    hass_admin_user.system_generated = False
    hass_admin_user.groups = []
    assert (await getattr(client, method)(path)).status == HTTPStatus.UNAUTHORIZED


async def test_a_register_that_is_changed_meanwhile(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    path: str,
    hass_client: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A row that fitted when it was tried, and does not any more, is not half written."""
    client = await hass_client()
    await check_in(hass, entry, "1-1-101", name="MARK-A")
    write = importing.Import.async_write

    async def overtaken(run: Any, entries: Any) -> Any:
        await check_in(hass, entry, "1-1-101", name="MARK-A", phone="13800138002")
        return await write(run, entries)

    monkeypatch.setattr(importing.Import, "async_write", overtaken)
    text = f"{HEAD}1,1,101,租客,MARK-A,13800138003\n".encode()
    response = await client.post(path, params={"dry_run": "false"}, data=text)
    assert (await response.json())["code"] == "import_overtaken"


async def test_units_that_are_changed_behind_it(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    path: str,
    hass_client: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A unit that came or went since it was planned is neither there twice nor written to."""
    client, text = await hass_client(), f"{HEAD}1,1,101,,,\n7,1,701,,,\n".encode()

    async def change(key: str, **values: Any) -> None:
        row = Unit(**{"id": key, "building": "7", "stairwell": "1", **values})
        await entry.runtime_data.async_run(lambda session: session.merge(row) and None)

    async def answer() -> Any:
        response = await client.post(path, params={"dry_run": "false"}, data=text)
        return (await response.json()).get("code")

    await change("new", number="701", unit_key="7/1/701")
    assert await answer() == "import_overtaken"
    await change("new", number="701", unit_key="7/1/702")
    write = importing.Import.async_write

    async def overtaken(run: Any, entries: Any) -> Any:
        await change(unit_id(entry, "1-1-101"), removed_at=1.0)
        return await write(run, entries)

    monkeypatch.setattr(importing.Import, "async_write", overtaken)
    assert await answer() == "import_overtaken"
    rows = await entry.runtime_data.async_run(
        lambda session: set(session.scalars(select(Unit.unit_key)))
    )
    assert "7/1/701" not in rows
