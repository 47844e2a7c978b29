"""A property with units, on each kind of database."""

from collections.abc import Callable, Generator
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import pytest_socket
from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

from custom_components.rental_units.const import CONF_URL, DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowHandler

from .before import unit
from .common import responder
from .postgresql import postgresql
from .texts import missing, of_result


@pytest.fixture(autouse=True)
def _all_is_said(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Note each form, menu and end of a flow that a test comes to: all of it has its texts."""
    wanted: list[str] = []
    for name in ("async_show_form", "async_show_menu", "async_abort"):
        shown = getattr(FlowHandler, name)

        def note(
            flow: Any, *args: Any, shown: Callable[..., Any] = shown, **kwargs: Any
        ) -> Any:
            result = shown(flow, *args, **kwargs)
            wanted.extend(of_result(flow, result))
            return result

        monkeypatch.setattr(FlowHandler, name, note)
    yield
    assert missing(list(dict.fromkeys(wanted))) == []


@pytest.fixture(autouse=True, scope="session")
def _statements_once() -> Generator[None]:
    """Compile each statement once, as in a house: that opens its database once, not for each test.

    What SQLAlchemy has compiled belongs to one engine, and to the dialect of that.
    """
    statements: LRUCache[Any, Any] = LRUCache(2000)

    def share(connection: Connection) -> None:
        connection.engine._compiled_cache = statements

    def words(dialect: DefaultDialect) -> tuple[Any, ...]:
        return (
            type(dialect),
            dialect.use_insertmanyvalues_wo_returning,
            dialect.server_version_info,
        )

    with pytest.MonkeyPatch.context() as patch:
        for dialect in (SQLiteDialect, PGDialect):
            patch.setattr(dialect, "__hash__", lambda one: hash(type(one)))
            patch.setattr(
                dialect, "__eq__", lambda one, other: words(one) == words(other)
            )
        event.listen(Engine, "engine_connect", share)
        yield
        event.remove(Engine, "engine_connect", share)


@pytest.fixture(scope="session")
def postgresql_url() -> Generator[str]:
    """Run a PostgreSQL for all tests of this process."""
    pytest_socket.enable_socket()
    try:
        with postgresql() as url:
            yield url
    except RuntimeError as err:
        pytest.skip(str(err))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the data of a config entry, for each kind of database."""
    if request.param == "sqlite":
        return {}
    url = request.getfixturevalue("postgresql_url")
    request.getfixturevalue("socket_enabled")
    return {CONF_URL: url}


@pytest.fixture
async def entry(hass: HomeAssistant, database: dict[str, Any]) -> MockConfigEntry:
    """Return a property with three units in two stairwells, and nobody in them."""
    hass.config.country = "CN"
    entry = MockConfigEntry(domain=DOMAIN, title="Property 1", data=database)
    entry.add_to_hass(hass)
    for row in (
        unit("1", "1", "101", area_id="area_101"),
        unit("1", "1", "102"),
        unit("1", "2", "101"),
        responder("fire_post", "schedule.fire_post"),
        responder("police", "schedule.police"),
    ):
        hass.config_entries.async_add_subentry(entry, row)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry
