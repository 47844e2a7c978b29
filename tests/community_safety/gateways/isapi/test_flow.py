"""Adding a terminal, and what is done when it lets us in no more, as a person would."""

from collections.abc import AsyncGenerator
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.const import DOMAIN
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_USER,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
from simulator.isapi import PASSWORD, USERNAME, Fault, Terminal
from tests.common import wait_until
from tests.community_safety.gateways.uhppote.common import pass_time

from .common import (
    Ticking,
    add_terminal,
    alarms_of,
    controller_of,
    heard,
    issues,
    local_zone,
)

LOGIN = {"username": USERNAME, "password": PASSWORD}


@pytest.fixture
async def other(hass: HomeAssistant, socket_enabled: None) -> AsyncGenerator[Terminal]:
    """Return a second terminal, for one door."""
    terminal = Terminal(
        "DS-K1T0000002", doors=1, clock=dt_util.utcnow, zone=local_zone()
    )
    await terminal.start()
    yield terminal
    await terminal.stop()


async def begin(hass: HomeAssistant) -> ConfigFlowResult:
    """Choose the terminals in the menu."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    return await hass.config_entries.flow.async_configure(
        result["flow_id"], {"next_step_id": "isapi"}
    )


async def fill_in(
    hass: HomeAssistant, result: ConfigFlowResult, **values: Any
) -> ConfigFlowResult:
    """Enter something."""
    assert result["type"] is FlowResultType.FORM
    return await hass.config_entries.flow.async_configure(result["flow_id"], values)


async def test_added_after_every_error(hass: HomeAssistant, terminal: Terminal) -> None:
    """What is wrong is said, and one wrong password is sent once."""
    result = await begin(hass)
    for url in (
        "",
        "ftp://192.0.2.7",
        "http://192.0.2.7/doc",
        "http://admin@192.0.2.7",
        "192.0.2.7:x",
        "192.0.2.7?x=1",
    ):
        result = await fill_in(hass, result, url=url, **LOGIN)
        assert result["errors"] == {"url": "isapi_address"}, url
    address = terminal.url.removeprefix("http://")
    result = await fill_in(
        hass, result, url=address, username=USERNAME, password="wrong"
    )
    assert result["errors"] == {"base": "isapi_login"}
    assert result["description_placeholders"]["left"] == "4"
    assert terminal.wrong == 1
    for fault, error in (
        (Fault.OFFLINE, "isapi_no_answer"),
        (Fault.GARBAGE, "isapi_no_answer"),
        (Fault.LOW_PRIVILEGE, "isapi_login"),
        (Fault.NOT_ACTIVATED, "isapi_not_activated"),
    ):
        terminal.faults.add(fault)
        result = await fill_in(hass, result, url=address, **LOGIN)
        assert result["errors"] == {"base": error}, fault
        terminal.faults.clear()
    doors, terminal.doors = terminal.doors, []
    result = await fill_in(hass, result, url=address, **LOGIN)
    assert result["errors"] == {"base": "isapi_no_doors"}
    terminal.doors = doors
    terminal.lock_out()
    result = await fill_in(hass, result, url=address, **LOGIN)
    assert result["errors"] == {"base": "isapi_locked"}
    assert result["description_placeholders"]["minutes"] == "30"
    terminal.locked_until.clear()
    result = await fill_in(hass, result, url=f" {address}/ ", **LOGIN)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "DS-K2604T"
    assert result["data"] == {
        "dialect": "isapi",
        "url": terminal.url,
        **LOGIN,
        "doors": 2,
    }
    await heard(hass, terminal)
    assert terminal.wrong == 1


async def test_another_kind_of_device(hass: HomeAssistant, terminal: Terminal) -> None:
    """A camera speaks ISAPI too, and has no doors."""
    result = await begin(hass)
    terminal._status = lambda: {"AcsWorkStatus": {"cardNum": 0}}  # type: ignore[method-assign]
    result = await fill_in(hass, result, url=terminal.url, **LOGIN)
    assert result["errors"] == {"base": "isapi_no_doors"}


async def test_added_already(
    hass: HomeAssistant, entry: MockConfigEntry, terminal: Terminal
) -> None:
    """It is known by its serial number, wherever it is."""
    result = await fill_in(hass, await begin(hass), url=terminal.url, **LOGIN)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


async def test_reconfigured(
    hass: HomeAssistant, entry: MockConfigEntry, terminal: Terminal, other: Terminal
) -> None:
    """It is followed to another address; another terminal there is none of its doors."""
    result = await entry.start_reconfigure_flow(hass)
    assert result["step_id"] == "reconfigure_isapi"
    result = await fill_in(hass, result, url=other.url, **LOGIN)
    assert result["errors"] == {"base": "isapi_another"}
    await terminal.stop()
    moved = Terminal(terminal.serial, doors=4, clock=dt_util.utcnow, zone=local_zone())
    await moved.start()
    result = await fill_in(hass, result, url=moved.url, **LOGIN)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    assert (entry.data["url"], entry.data["doors"]) == (moved.url, 4)
    await heard(hass, moved)
    assert "locked_4" in controller_of(hass, moved).device.readings
    assert await hass.config_entries.async_unload(entry.entry_id)
    await moved.stop()


async def test_password_changed(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """One refusal, and a person is asked: by ourselves it is never tried again."""
    terminal.password = "another 1"
    terminal.break_streams()
    await wait_until(
        hass, lambda: bool(hass.config_entries.flow.async_progress_by_handler(DOMAIN))
    )
    assert "unresponsive" in alarms_of(hass, terminal)
    for _ in range(5):
        await pass_time(hass, freezer, 130)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await pass_time(hass, freezer, 130)
    await hass.async_block_till_done(wait_background_tasks=True)
    gateway = entry.runtime_data
    for _ in range(3):
        # Nor for whom a person's order cannot wait.
        with pytest.raises(HomeAssistantError):
            await gateway.async_refresh(gateway.controller.device, ())
    assert terminal.wrong == 1
    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["context"]["source"] == SOURCE_REAUTH
    result = await hass.config_entries.flow.async_configure(flow["flow_id"])
    assert result["step_id"] == "reauth_confirm"
    result = await fill_in(hass, result, username=USERNAME, password="a guess")
    assert result["errors"] == {"base": "isapi_login"}
    assert result["description_placeholders"]["left"] == "3"
    result = await fill_in(hass, result, username=USERNAME, password="another 1")
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reauth_successful"
    await heard(hass, terminal)
    assert "unresponsive" not in alarms_of(hass, terminal)
    assert terminal.wrong == 2


async def test_user_that_may_nothing(
    hass: HomeAssistant, terminal: Terminal, freezer: FrozenDateTimeFactory
) -> None:
    """That counts as a refusal at the terminal, and with us."""
    terminal.faults.add(Fault.LOW_PRIVILEGE)
    entry = await add_terminal(hass, terminal, wait=False)
    await wait_until(
        hass, lambda: bool(hass.config_entries.flow.async_progress_by_handler(DOMAIN))
    )
    assert entry.state is ConfigEntryState.LOADED
    asked = len(terminal.asked)
    await pass_time(hass, freezer, 130)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(terminal.asked) == asked


async def test_locked_out_by_somebody_else(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """No password is sent while nobody is let in; then the right one is let in again."""
    terminal.lock_out()
    terminal.break_streams()
    await wait_until(
        hass, lambda: any(key.startswith("isapi_locked") for key in issues(hass))
    )
    assert "unresponsive" in alarms_of(hass, terminal)
    for _ in range(10):
        await pass_time(hass, freezer, 170)
    asked = len(terminal.asked)
    await pass_time(hass, freezer, 60)
    assert len(terminal.asked) == asked
    assert not hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    async with Ticking(hass, freezer, terminal):
        await pass_time(hass, freezer, 60)
        await heard(hass, terminal)
    assert "unresponsive" not in alarms_of(hass, terminal)
    assert not any(key.startswith("isapi") for key in issues(hass))
    assert terminal.wrong == 0


async def test_removed(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    entry: MockConfigEntry,
    terminal: Terminal,
) -> None:
    """What was kept of it goes with it."""
    gateway = entry.runtime_data
    terminal.swipe("1")
    await wait_until(hass, lambda: gateway.controller.index == 1)
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert hass_storage[gateway._store.key]["data"] == {"index": 1}
    assert await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert gateway._store.key not in hass_storage
