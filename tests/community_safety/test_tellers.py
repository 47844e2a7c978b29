"""What an integration that tells people of alarms asks and says in the process."""

import itertools
from typing import Any, cast

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    mock_integration,
    mock_platform,
)

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.alarm import Alarm, Said
from custom_components.community_safety.core.alarms import (
    MOST_SAID,
    MOST_SAID_BY_ONE,
    Announcement,
)
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.tellers import Alarms
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from tests.common import BASE, Peer, wait_until

UID = f"mqtt/{BASE}/smoke-1"


async def offer(hass: HomeAssistant, domain: str, *, fails: bool = False) -> Alarms:
    """Load an integration that takes the alarms."""
    taken: list[Alarms] = []

    async def async_take_alarms(hass: HomeAssistant, alarms: Alarms) -> None:
        taken.append(alarms)
        if fails:
            raise RuntimeError("broken on purpose")

    mock_integration(hass, MockModule(domain))
    platform = type(
        "Platform", (), {"async_take_alarms": staticmethod(async_take_alarms)}
    )
    mock_platform(hass, f"{domain}.{DOMAIN}", cast("Any", platform))
    assert await async_setup_component(hass, domain, {})
    await hass.async_block_till_done()
    (alarms,) = taken
    return alarms


@pytest.fixture
async def sensor(gateway: MockConfigEntry, peer: Peer) -> None:
    """Add a sensor that tests itself."""
    await peer.config("smoke-1", "smoke_sensor", ["smoke", "test"], area="1-1-201")
    await peer.state("smoke-1", smoke=False, test=False)


async def raised(hass: HomeAssistant, peer: Peer, **values: Any) -> Alarm:
    """Let the sensor report smoke; return the alarm."""
    await peer.state("smoke-1", **values)
    await peer.state("smoke-1", smoke=True)
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    return alarm


@pytest.mark.parametrize(
    ("ordered_by", "tester"),
    [("user", "user"), ("some_register:7f3a", None), (None, None)],
)
async def test_who_tests(
    hass: HomeAssistant,
    sensor: None,
    peer: Peer,
    ordered_by: str | None,
    tester: str | None,
) -> None:
    """A user who has ordered the test, also after it; of all else nobody is known."""
    alarms = await offer(hass, "teller")
    hass.data[DATA_HOUSE].book.tests.commanded(UID, ordered_by)
    drill = await raised(hass, peer, test=True)
    assert drill.drill
    assert alarms.tester(drill.id) == tester
    await peer.state("smoke-1", smoke=False, test=False)
    assert alarms.tester(drill.id) == tester
    assert alarms.tester("no alarm") is None


async def test_nobody_tests_a_fire(
    hass: HomeAssistant, sensor: None, peer: Peer
) -> None:
    """What is no drill has no tester, whoever has tested the sensor before."""
    alarms = await offer(hass, "teller")
    hass.data[DATA_HOUSE].book.tests.commanded(UID, "user")
    await peer.state("smoke-1", test=True)
    await peer.state("smoke-1", test=False)
    assert alarms.tester((await raised(hass, peer)).id) is None


async def test_one_fails(
    hass: HomeAssistant,
    sensor: None,
    peer: Peer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Another one gets the alarms all the same."""
    await offer(hass, "broken", fails=True)
    assert "broken did not take the alarms" in caplog.text
    await offer(hass, "teller")


async def test_what_was_answered(hass: HomeAssistant, sensor: None, peer: Peer) -> None:
    """It is on the alarm's timeline with its own time, by ids, on disk and told to panels."""
    book = hass.data[DATA_HOUSE].book
    alarms = await offer(hass, "teller")
    alarm = await raised(hass, peer)
    told: list[Announcement] = []
    book.listen(told.append)
    alarms.said(alarm.id, "need_help", 7.0, person_id="7f3a")
    alarms.said(alarm.id, "help_closed", 8.0, user_id="user")
    alarms.said("no alarm", "need_help", 9.0, user_id="user")
    said = [
        {"at": 7.0, "what": "need_help", "who": "teller:7f3a"},
        {"at": 8.0, "what": "help_closed", "who": "user"},
    ]
    assert alarm.timeline[-2:] == said
    await wait_until(hass, lambda: len(told) == 2)
    assert [row.data["what"] for row in told] == ["need_help", "help_closed"]
    (row,) = await book._storage.async_rows("alarms", {alarm.id})
    assert row["timeline"][-2:] == said


@pytest.mark.parametrize(
    ("said", "who"), [("safe", {"user_id": "user"}), ("need_help", {})]
)
async def test_what_is_no_answer(
    hass: HomeAssistant,
    sensor: None,
    peer: Peer,
    said: str,
    who: dict[str, str],
) -> None:
    """A word that is not about the alarm, or is nobody's, is refused."""
    alarms = await offer(hass, "teller")
    alarm = await raised(hass, peer)
    before = list(alarm.timeline)
    with pytest.raises(ValueError):
        alarms.said(alarm.id, said, 7.0, **who)
    assert alarm.timeline == before


async def test_a_thousand_answers(
    hass: HomeAssistant, sensor: None, peer: Peer
) -> None:
    """They push out no proof, and those of one person not everybody's."""
    book = hass.data[DATA_HOUSE].book
    alarms = await offer(hass, "teller")
    alarm = await raised(hass, peer)
    book.note(alarm.id, "proof")
    for number in range(MOST_SAID):
        alarms.said(alarm.id, "need_help", number, person_id=f"p{number}")
    words = itertools.cycle(("on_my_way", "false_alarm"))
    for at, word in zip(range(100, 1100), words, strict=False):
        alarms.said(alarm.id, word, at, person_id="p0")
    lines = [row for row in alarm.timeline if row["what"] in set(Said)]
    assert len(lines) == MOST_SAID
    # The last of theirs, and those of all who called but the first few.
    own = [row["at"] for row in lines if row["who"] == "teller:p0"]
    assert own == list(range(1100 - MOST_SAID_BY_ONE, 1100))
    assert [row["what"] for row in alarm.timeline[:2]] == ["raised", "proof"]
