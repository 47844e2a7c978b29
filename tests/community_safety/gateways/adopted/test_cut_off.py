"""Cut-off by the switch of another integration: what proves it, and what does not."""

import asyncio
from collections.abc import Generator
from datetime import timedelta
from typing import override

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    mock_config_flow,
)

from custom_components.community_safety.core import disconnect, proving
from custom_components.community_safety.core.device import Power
from custom_components.community_safety.core.disconnect import Checked, Limit, Result
from custom_components.community_safety.core.latches import Supply
from custom_components.community_safety.core.proving import Reason, Status
from custom_components.community_safety.core.supervision import ASK_AFTER_SECONDS
from custom_components.community_safety.gateways.adopted import sources
from custom_components.community_safety.gateways.base import CommandError
from homeassistant.config_entries import ConfigFlow
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.entity_component import DATA_INSTANCES
from tests.common import wait_until

from . import relays
from .common import add_adopted, only_device, open_hazards, proposal, subentry
from .relays import (
    Breaker,
    CoordinatedRelay,
    DetouredRelay,
    FailingMeter,
    ForgetfulRelay,
    HopefulRelay,
    Meter,
    PolledMeter,
    PolledRelay,
    Relay,
    RelayError,
    ThreadedRelay,
)

PUSH, POLLING = "local_push", "local_polling"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what can never be proven end soon."""
    monkeypatch.setattr(disconnect, "TRY_SECONDS", 0.3)
    monkeypatch.setattr(proving, "ASK_SECONDS", 0.1)
    monkeypatch.setattr(disconnect, "DEADLINE_SECONDS", 0.8)
    monkeypatch.setattr(disconnect, "FIRST_BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(disconnect, "LEAST_TRY_SECONDS", 0.1)


class RelaysFlow(ConfigFlow):
    """Home Assistant asks for one before it sets an entry up."""


@pytest.fixture(autouse=True)
def _flow() -> Generator[None]:
    """Let the integration of breakers have a flow."""
    with mock_config_flow(relays.DOMAIN, RelaysFlow):
        yield


async def adopted(
    hass: HomeAssistant,
    breaker: Breaker,
    iot_class: str = PUSH,
    relay: type[Relay] = Relay,
    meter: type[Meter] = Meter,
    *,
    reports: bool = True,
) -> MockConfigEntry:
    """Set an integration with a breaker up, adopt it, and let it report how it is."""
    other = await relays.set_up(hass, breaker, iot_class, relay, meter)
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), other.entry_id)
    entry = await add_adopted(
        hass, subentry("Flat", proposal(hass, device.id, "Breaker"))
    )
    if reports:
        breaker.report()
    await hass.async_block_till_done()
    return entry


def show(hass: HomeAssistant, *states: str) -> None:
    """Write states of the relay, as its integration does without a command."""
    for state in states:
        hass.states.async_set("switch.breaker", state)


async def cut(entry: MockConfigEntry) -> Result:
    """Cut the only supply of the only device."""
    gateway = entry.runtime_data
    supply = Supply(only_device(entry).uid, "supply")
    (result,) = await gateway.house.cut_off.async_cut_off([supply])
    assert isinstance(result, Result)
    return result


async def test_proven_by_relay_and_current(hass: HomeAssistant) -> None:
    """A breaker that tells of both is proven at once, and so is that it is closed again."""
    breaker = Breaker(hass)
    entry = await adopted(hass, breaker)
    result = await cut(entry)
    assert (result.status, result.limit) == (Status.CONFIRMED, Limit.NO_CURRENT)
    assert result.proof == ("supply", "current")
    assert breaker.commands == [False]
    cut_off = entry.runtime_data.house.cut_off
    (restored,) = await cut_off.async_restore(
        [result.supply], who="user", checked=Checked.ON_SITE
    )
    assert restored.status is Status.CONFIRMED
    assert breaker.closed


@pytest.mark.parametrize("relay", [HopefulRelay, ThreadedRelay, DetouredRelay])
async def test_a_relay_that_only_hopes_proves_nothing(
    hass: HomeAssistant, relay: type[Relay]
) -> None:
    """It shows what was sent; the breaker has not obeyed, and nothing flows.

    Whatever way the hope takes.
    """
    breaker = Breaker(hass, load=0)
    entry = await adopted(hass, breaker, relay=relay)
    breaker.obeys = False
    breaker.on_change[:] = breaker.on_change[1:]
    result = await cut(entry)
    assert only_device(entry).fresh_reading("current") == 0
    assert hass.states.get("switch.breaker").state == "off"  # type: ignore[union-attr]
    assert (result.status, result.reason) == (
        Status.UNCONFIRMED,
        Reason.RELAY_UNKNOWN,
    )


async def test_an_integration_that_hopes_nothing_is_believed(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its code was looked at: what it shows after a command is what the device has told."""
    breaker = Breaker(hass, load=0)
    entry = await adopted(hass, breaker)
    assert (await cut(entry)).status is Status.UNCONFIRMED
    breaker.closed = True
    breaker.report()
    monkeypatch.setattr(sources, "REPORTING", {relays.DOMAIN})
    result = await cut(entry)
    assert (result.status, result.limit) == (Status.CONFIRMED, Limit.RELAY_ONLY)


async def test_a_hope_outlasts_an_absence(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its integration was reloaded, and shows again what it had hoped."""
    breaker = Breaker(hass, load=0)
    entry = await adopted(hass, breaker, relay=HopefulRelay)
    breaker.obeys = False
    breaker.on_change[:] = breaker.on_change[1:]
    await cut(entry)
    monkeypatch.setattr(sources, "EFFECT_SECONDS", 0)
    show(hass, STATE_UNAVAILABLE, "off", "off")
    assert only_device(entry).fresh_reading("supply") is None
    show(hass, STATE_UNAVAILABLE, "on", "off", "off")
    assert only_device(entry).fresh_reading("supply") is None
    # That it is closed can be no hope; and then that it is open is none either.
    show(hass, "on", "on", "off")
    assert only_device(entry).fresh_reading("supply") is False


async def test_a_hope_that_changes_nothing_is_one(hass: HomeAssistant) -> None:
    """What it remembered was open; the breaker is closed, and does not obey."""
    breaker = Breaker(hass, load=0)
    entry = await adopted(hass, breaker, relay=ForgetfulRelay, reports=False)
    breaker.obeys = False
    breaker.on_change[:] = breaker.on_change[1:]
    task = hass.async_create_task(cut(entry))
    await wait_until(hass, lambda: bool(breaker.commands))
    show(hass, "off", "off")
    assert (await task).status is Status.UNCONFIRMED


async def test_a_hope_outlasts_a_reload(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our gateway was reloaded in the middle of a command, which goes on."""
    monkeypatch.setattr(disconnect, "DEADLINE_SECONDS", 2.0)
    breaker = Breaker(hass, load=0)
    entry = await adopted(hass, breaker, relay=HopefulRelay)
    breaker.obeys = False
    _relay, meter = breaker.on_change
    breaker.on_change.clear()
    task = hass.async_create_task(cut(entry))
    await wait_until(hass, lambda: bool(breaker.commands))
    assert await hass.config_entries.async_reload(entry.entry_id)
    show(hass, "off", "off")
    monkeypatch.setattr(sources, "EFFECT_SECONDS", 0)
    show(hass, "off")
    meter()
    assert only_device(entry).fresh_reading("current") == 0
    result = await task
    assert (result.status, result.reason) == (
        Status.UNCONFIRMED,
        Reason.RELAY_UNKNOWN,
    )


@pytest.mark.parametrize("service", ["turn_off", "toggle"])
@pytest.mark.parametrize("relay", [HopefulRelay, ThreadedRelay, DetouredRelay])
async def test_a_hope_of_somebody_else_is_one(
    hass: HomeAssistant, relay: type[Relay], service: str
) -> None:
    """An automation of the house turns the same switch off, and is not obeyed."""
    breaker = Breaker(hass, load=0)
    entry = await adopted(hass, breaker, relay=relay)
    breaker.obeys = False
    breaker.on_change[:] = breaker.on_change[1:]
    await hass.services.async_call(
        "switch", service, {"entity_id": "switch.breaker"}, blocking=True
    )
    await hass.async_block_till_done()
    show(hass, "off")
    assert only_device(entry).readings["supply"] is False
    assert only_device(entry).fresh_reading("supply") is None
    assert (await cut(entry)).status is Status.UNCONFIRMED


async def test_a_remembered_load_that_goes_proves_nothing(hass: HomeAssistant) -> None:
    """The meter has said once that something flows: before our time, perhaps."""
    breaker = Breaker(hass)
    entry = await adopted(hass, breaker, relay=HopefulRelay, reports=False)
    assert only_device(entry).readings["current"] == 10
    breaker.load, breaker.obeys = 0.0, False
    breaker.on_change[:] = breaker.on_change[1:]
    result = await cut(entry)
    assert only_device(entry).fresh_reading("current") == 0
    assert (result.status, result.reason) == (
        Status.UNCONFIRMED,
        Reason.RELAY_UNKNOWN,
    )


async def test_a_remembered_load_is_no_measure(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relay says that it is open; of what is gone, the meter had never told."""
    monkeypatch.setattr(sources, "REPORTING", {relays.DOMAIN})
    breaker = Breaker(hass)
    entry = await adopted(hass, breaker, reports=False)
    result = await cut(entry)
    assert (result.status, result.limit) == (Status.CONFIRMED, Limit.RELAY_ONLY)


async def test_hope_that_is_written_again_is_no_word(hass: HomeAssistant) -> None:
    """Integrations write all entities of a device whenever one has changed."""
    breaker = Breaker(hass, load=0)
    entry = await adopted(hass, breaker, relay=HopefulRelay)
    breaker.obeys = False
    relay, meter = breaker.on_change
    breaker.on_change.clear()
    task = hass.async_create_task(cut(entry))
    await wait_until(hass, lambda: bool(breaker.commands))
    meter()
    state = hass.states.get("switch.breaker")
    assert state
    hass.states.async_set(state.entity_id, state.state, state.attributes)
    assert (await task).status is Status.UNCONFIRMED
    # The device's own word is that it is closed: it is cut again.
    relay()
    await wait_until(hass, lambda: len(breaker.commands) > 1)


async def test_a_load_that_goes_proves_the_relay(hass: HomeAssistant) -> None:
    """Its integration only hopes, but the meter has told that 10 A are gone."""
    breaker = Breaker(hass)
    entry = await adopted(hass, breaker, relay=HopefulRelay)
    breaker.on_change[:] = breaker.on_change[1:]
    result = await cut(entry)
    assert (result.status, result.limit) == (Status.CONFIRMED, Limit.NO_CURRENT)
    cut_off = entry.runtime_data.house.cut_off
    (restored,) = await cut_off.async_restore([result.supply], who="user")
    assert restored.status is Status.CONFIRMED


async def test_a_current_that_stays_is_a_failure(hass: HomeAssistant) -> None:
    """The relay says open, and 10 A flow on: welded."""
    breaker = Breaker(hass)
    entry = await adopted(hass, breaker, relay=HopefulRelay)
    breaker.obeys = False
    breaker.on_change[:] = breaker.on_change[1:]
    result = await cut(entry)
    assert result.status is Status.FAILED
    assert "refused_to_open" in [
        alarm.hazard
        for alarm in entry.runtime_data.house.book.of_device(only_device(entry).uid)
    ]


@pytest.mark.parametrize("relay", [PolledRelay, CoordinatedRelay])
@pytest.mark.parametrize("load", [0.0, 10.0])
@pytest.mark.parametrize("terse", [False, True])
async def test_what_can_be_asked_is_asked(
    hass: HomeAssistant, relay: type[Relay], load: float, terse: bool
) -> None:
    """An integration that polls reads relay and meter back, whatever it has hoped.

    If it could be read, a coordinator tells; of another, only what changes is news.
    """
    breaker = Breaker(hass, load)
    breaker.is_terse = terse
    entry = await adopted(hass, breaker, POLLING, relay, PolledMeter)
    breaker.load *= 1.1
    await entry.runtime_data.async_refresh(only_device(entry), ["current"])
    result = await cut(entry)
    if load:
        assert (result.status, result.limit) == (Status.CONFIRMED, Limit.NO_CURRENT)
    elif relay is CoordinatedRelay:
        assert (result.status, result.limit) == (Status.CONFIRMED, Limit.RELAY_ONLY)
    else:
        assert result.status is Status.UNCONFIRMED


async def test_an_echo_of_our_question_is_no_answer(hass: HomeAssistant) -> None:
    """A breaker that is dead, and an integration that writes what it knows all the same."""
    breaker = Breaker(hass, load=0)
    entry = await adopted(hass, breaker, POLLING, PolledRelay, PolledMeter)
    device = only_device(entry)
    # Nobody expects an answer that could not be told from none.
    assert device.power is Power.BATTERY
    breaker.answers = breaker.obeys = False
    seen = device.last_seen
    await entry.runtime_data.async_refresh(device, ["supply", "current"])
    assert (device.last_seen, device.reported) == (seen, {})
    result = await cut(entry)
    assert result.status is Status.UNCONFIRMED
    assert (device.last_seen, device.reported) == (seen, {})
    # What it says by itself counts as before.
    hass.states.async_set("sensor.breaker_current", "0", {"unit_of_measurement": "A"})
    assert device.fresh_reading("current") == 0


async def test_a_question_that_goes_wrong_ends_no_cut_off(hass: HomeAssistant) -> None:
    """The other integration stumbles: it is tried on, and people are told."""
    breaker = Breaker(hass, load=0)
    entry = await adopted(hass, breaker, POLLING, PolledRelay, FailingMeter)
    breaker.obeys = False
    result = await cut(entry)
    assert (result.status, result.reason) == (Status.FAILED, Reason.CONTRADICTED)
    assert len(breaker.commands) > 1
    assert "refused_to_open" in open_hazards(hass, only_device(entry))


async def test_whatever_a_port_raises_ends_no_cut_off(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of ours is no reason to leave a supply on without a word."""
    breaker = Breaker(hass, load=0)
    entry = await adopted(hass, breaker)
    breaker.obeys = False

    async def broken(*_args: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(entry.runtime_data, "async_refresh", broken)
    result = await cut(entry)
    assert (result.status, result.reason) == (Status.FAILED, Reason.CONTRADICTED)
    assert len(breaker.commands) > 1


async def test_a_slow_answer_is_waited_for(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off, the other integration would be unavailable, and take no more commands."""
    monkeypatch.setattr(disconnect, "DEADLINE_SECONDS", 5.0)
    breaker = Breaker(hass)
    entry = await adopted(hass, breaker, POLLING, CoordinatedRelay)
    breaker.slowness, breaker.deaf = 2 * proving.ASK_SECONDS, 1
    result = await cut(entry)
    assert result.status is Status.CONFIRMED
    assert breaker.commands == [False, False]
    state = hass.states.get("switch.breaker")
    assert state and state.state == "off"


async def test_an_answer_to_an_older_question(hass: HomeAssistant) -> None:
    """What was read before the command says nothing of it."""
    breaker = Breaker(hass, load=0)
    entry = await adopted(hass, breaker, POLLING, CoordinatedRelay)
    device = only_device(entry)
    breaker.slowness = 0.2
    breaker.closed = False
    asked = hass.async_create_task(
        entry.runtime_data.async_refresh(device, ["supply"]), eager_start=True
    )
    await asyncio.sleep(0)
    await entry.runtime_data.async_set(device, "supply", False)
    await asked
    assert device.readings["supply"] is False
    assert device.fresh_reading("supply") is None
    await entry.runtime_data.async_refresh(device, ["supply"])
    assert device.fresh_reading("supply") is False


@pytest.mark.parametrize("relay", [PolledRelay, CoordinatedRelay])
@pytest.mark.parametrize("terse", [False, True])
async def test_what_is_read_back_is_believed(
    hass: HomeAssistant, relay: type[Relay], terse: bool
) -> None:
    """The hope says open, and what was read says closed; also where that is no news."""
    breaker = Breaker(hass, load=0)
    breaker.is_terse = terse
    entry = await adopted(hass, breaker, POLLING, relay, PolledMeter)
    breaker.obeys = False
    result = await cut(entry)
    assert (result.status, result.reason) == (Status.FAILED, Reason.CONTRADICTED)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RelayError("no route to the device"), Reason.REFUSED),
        (TimeoutError(), Reason.REFUSED),
        (ValueError("bad answer"), Reason.REFUSED),
    ],
)
async def test_whatever_the_integration_raises(
    hass: HomeAssistant, error: Exception, reason: Reason
) -> None:
    """A command that did not get through is told as such."""
    breaker = Breaker(hass)
    entry = await adopted(hass, breaker)
    breaker.error = error
    result = await cut(entry)
    assert result.status is not Status.CONFIRMED
    assert result.reason is reason


async def test_an_entity_that_is_unavailable(hass: HomeAssistant) -> None:
    """Home Assistant would pass over it, and say nothing."""
    breaker = Breaker(hass)
    entry = await adopted(hass, breaker)
    state = hass.states.get("switch.breaker")
    assert state
    hass.states.async_set(state.entity_id, "unavailable", state.attributes)
    result = await cut(entry)
    assert (result.status, result.reason) == (Status.FAILED, Reason.NOT_CONNECTED)
    assert breaker.commands == []


async def test_an_entity_that_has_not_shown_yet_that_it_is_away(
    hass: HomeAssistant,
) -> None:
    """Home Assistant asks the entity, and not its state."""
    breaker = Breaker(hass)
    entry = await adopted(hass, breaker)
    entity = hass.data[DATA_INSTANCES]["switch"].get_entity("switch.breaker")
    assert entity
    entity._attr_available = False
    result = await cut(entry)
    assert (result.status, result.reason) == (Status.FAILED, Reason.NOT_CONNECTED)
    assert breaker.commands == []


async def test_what_is_switched_on_again_is_cut_again(hass: HomeAssistant) -> None:
    """By its own entity, which knows nothing of a latch."""
    breaker = Breaker(hass)
    entry = await adopted(hass, breaker)
    await cut(entry)
    await hass.services.async_call(
        "switch", "turn_on", {"entity_id": "switch.breaker"}, blocking=True
    )
    await wait_until(hass, lambda: breaker.commands == [False, True, False])
    assert not breaker.closed


async def test_no_such_command(hass: HomeAssistant) -> None:
    """What it has no entity for is refused."""
    breaker = Breaker(hass)
    entry = await adopted(hass, breaker)
    device = only_device(entry)
    with pytest.raises(CommandError):
        await entry.runtime_data.async_set(device, "self_test", True)
    with pytest.raises(CommandError):
        await entry.runtime_data.async_set(device, "current", 1.0)


async def test_a_command_that_hangs(hass: HomeAssistant) -> None:
    """An integration that waits for ever does not keep the cut-off."""

    class Hanging(Relay):
        @override
        async def async_order(self, closed: bool) -> None:
            await asyncio.Event().wait()

    breaker = Breaker(hass)
    entry = await adopted(hass, breaker, relay=Hanging)
    result = await cut(entry)
    assert result.reason is Reason.NO_ANSWER


@pytest.mark.parametrize("terse", [False, True])
async def test_who_is_silent_is_asked(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, terse: bool
) -> None:
    """What is polled locally is expected to answer, long before its own rhythm."""
    breaker = Breaker(hass)
    breaker.is_terse = terse
    entry = await adopted(hass, breaker, POLLING, CoordinatedRelay)
    device = only_device(entry)
    assert device.power is Power.MAINS
    assert device.fresh_reading("current") is None
    freezer.tick(timedelta(seconds=ASK_AFTER_SECONDS + 10))
    async_fire_time_changed(hass)
    await wait_until(hass, lambda: device.fresh_reading("current") == 10.0)


async def test_a_cloud_that_tells_nothing_but_news(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """That it could be read the last time is a sign of life: nothing changes for days."""
    breaker = Breaker(hass)
    breaker.is_terse = True
    entry = await adopted(hass, breaker, "cloud_polling", CoordinatedRelay)
    device = only_device(entry)

    async def is_seen() -> bool:
        device.silence = 100
        freezer.tick(timedelta(hours=1, seconds=1))
        async_fire_time_changed(hass)
        await hass.async_block_till_done(wait_background_tasks=True)
        freezer.tick(timedelta(seconds=11))
        async_fire_time_changed(hass)
        await hass.async_block_till_done()
        return (device.silence or 0) < 100

    assert await is_seen()
    breaker.answers = False
    await is_seen()
    assert not await is_seen()
    assert hass.states.get("switch.breaker").state == STATE_UNAVAILABLE
    assert device.fresh_reading("current") is None


async def test_a_cloud_is_not_asked_all_the_time(hass: HomeAssistant) -> None:
    """It counts questions, so that nobody expects an answer; a cut-off asks all the same."""
    breaker = Breaker(hass)
    entry = await adopted(hass, breaker, "cloud_polling", CoordinatedRelay)
    assert only_device(entry).power is Power.BATTERY
    assert (await cut(entry)).status is Status.CONFIRMED
