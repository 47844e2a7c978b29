"""Somebody's own card at a door is a sign of theirs."""

import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.rental_units.care.watch import CARDS
from custom_components.rental_units.sightings.journal import FLUSH_SECONDS, journal_of
from custom_components.rental_units.sightings.store import Seen
from homeassistant.util import dt as dt_util
from tests.rental_units.common import call

from .conftest import RELATIVE, Home

CARD, OTHER = "10058400", "10058401"


async def passed(home: Home, number: str, ago: float = 0.0) -> None:
    """Let a card pass a door, and be written down."""
    journal_of(home.hass).take(
        Seen(
            device_id="door",
            channel="1",
            event_id=f"{number} {dt_util.utcnow().timestamp()}",
            at=dt_util.utcnow().timestamp() - ago,
            number=number,
            decision="granted",
            granted=True,
        )
    )
    home.freezer.tick(FLUSH_SECONDS)
    async_fire_time_changed(home.hass)
    await home.settle()


async def test_a_card(home: Home) -> None:
    """Theirs and nobody else's; what is told late is not now."""
    await home.start(cards=True)
    other = await home.move_in("1-1-102", name="MARK-N", phone="13800138014")
    for person, number in ((home.person, CARD), (other, OTHER)):
        await call(
            home.hass, "issue_card", {"person_id": person, "card_number": number}
        )
    home.freezer.tick(60)
    kept = home.ward.watch.kept
    before = kept.last
    await passed(home, OTHER)
    assert kept.last == before
    await passed(home, CARD)
    assert kept.last == dt_util.utcnow().timestamp() - FLUSH_SECONDS
    assert kept.by == CARDS
    assert kept.left_at == kept.last
    last = kept.last
    await home.go(0.5)
    await passed(home, CARD, 3600)
    assert kept.last == last
    await passed(home, CARD, 600)
    assert kept.last == pytest.approx(dt_util.utcnow().timestamp() - 601, abs=1)
    (row,) = await home.desk().async_list()
    assert row["by"]["key"] == CARDS


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_who_is_not_heard_by_cards(home: Home) -> None:
    """A card says nothing where nobody has agreed to it."""
    await home.start(contacts=[RELATIVE])
    data = {"person_id": home.person, "card_number": CARD}
    await call(home.hass, "issue_card", data)
    home.freezer.tick(60)
    before = home.ward.watch.kept.last
    await passed(home, CARD)
    assert home.ward.watch.kept.last == before
