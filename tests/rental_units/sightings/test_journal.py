"""Passages on their way to the database: none is lost, none is there twice, none in the way."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from custom_components.community_safety.core.passages import (
    AgeGroup,
    Colour,
    Decision,
    Means,
    Passage,
)
from custom_components.rental_units.access_control.models import Card
from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.register.models import Audit
from custom_components.rental_units.sightings import journal as module, store
from custom_components.rental_units.sightings.journal import (
    FLUSH_SECONDS,
    PORTION,
    RETRY_SECONDS,
    Journal,
    async_purge,
    journal_of,
    seen_of,
)
from custom_components.rental_units.sightings.models import (
    SeenKind,
    SeenNumber,
    Sighting,
    Source,
)
from custom_components.rental_units.sightings.store import Seen
from custom_components.rental_units.storage.errors import RegisterError
from custom_components.rental_units.storage.vault import CompartmentRow, Vault
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util
from tests.rental_units.common import account, call, check_in, device_id

NOW = datetime(2026, 9, 1, 9, 30, tzinfo=UTC)
NUMBER = "10058400"


@pytest.fixture(autouse=True)
def now(freezer: FrozenDateTimeFactory) -> None:
    """Let time stand still."""
    freezer.move_to(NOW)


@pytest.fixture
def journal(hass: HomeAssistant, entry: MockConfigEntry) -> Journal:
    """Return the journal, which is attached."""
    return journal_of(hass)


def seen(index: int = 1, **more: Any) -> Seen:
    """Return a passage."""
    at = dt_util.utcnow().timestamp()
    return Seen(
        **{
            "device_id": "gate",
            "channel": "1",
            "event_id": f"{index}@{at:.0f}",
            "at": at,
            "number": NUMBER,
            "decision": "granted",
            "granted": True,
            **more,
        }
    )


async def flush(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float = FLUSH_SECONDS
) -> None:
    """Let a portion be written."""
    freezer.tick(seconds)
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)


async def count(entry: MockConfigEntry, model: Any = Sighting, *where: Any) -> int:
    """Return how many rows there are."""
    query = select(func.count()).select_from(model).where(*where)
    return await entry.runtime_data.async_run(lambda session: session.scalar(query))


async def test_written_in_portions(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    journal: Journal,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What comes in a second is one transaction; a future is done when it is on the disk."""
    portions: list[int] = []
    write = store.write

    def note(session: Any, box: Vault, rows: Any, *, is_only: bool) -> int:
        portions.append(len(rows))
        return write(session, box, rows, is_only=is_only)

    monkeypatch.setattr(store, "write", note)
    futures = [journal.take(seen(n)) for n in range(PORTION + 50)]
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not any(row.done() for row in futures if row)
    await flush(hass, freezer)
    assert portions == [PORTION, 50]
    assert all(row and row.done() and not row.cancelled() for row in futures)
    assert await count(entry) == PORTION + 50
    # One number, one door, however often.
    assert await count(entry, SeenNumber) == await count(entry, Source) == 1


async def test_told_again(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    journal: Journal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What a device tells again is there once; one that counts anew tells something new."""
    for row in (seen(1), seen(1), seen(1, channel="2")):
        journal.take(row)
    await flush(hass, freezer)
    assert await count(entry) == 2
    journal.take(seen(1, event_id=f"1@{NOW.timestamp():.0f}"))
    journal.take(seen(1))
    await flush(hass, freezer)
    assert await count(entry) == 3


async def test_database_is_away(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    journal: Journal,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What cannot be written waits, and is not said to be taken."""
    with monkeypatch.context() as patch:
        patch.setattr(store, "write", _away)
        future = journal.take(seen())
        assert future
        for _ in range(3):
            await flush(hass, freezer, RETRY_SECONDS)
        assert not future.done()
    await flush(hass, freezer, RETRY_SECONDS)
    assert future.done()
    assert await count(entry) == 1


def _away(*_: Any, **__: Any) -> None:
    raise RegisterError("register_locked")


async def test_too_many_wait(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    journal: Journal,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What no memory has room for is left to its device, and said once."""
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    with monkeypatch.context() as patch:
        patch.setattr(store, "write", _away)
        futures = [journal.take(seen(n)) for n in range(4)]
        assert [row.cancelled() for row in futures if row] == [False, False, True, True]
        await flush(hass, freezer)
    assert caplog.text.count("no more can") == 1
    await flush(hass, freezer, RETRY_SECONDS)
    assert await count(entry) == 2
    assert journal.take(seen(9))


async def test_row_that_no_database_takes(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    journal: Journal,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that is refused keeps no other one from the disk."""
    write = store.write

    def refuse(session: Any, box: Vault, rows: Any, *, is_only: bool) -> int:
        if any(row.event_id == "wrong" for row in rows):
            raise RegisterError("register_failed")
        return write(session, box, rows, is_only=is_only)

    monkeypatch.setattr(store, "write", refuse)
    rows = [seen(1), seen(event_id="wrong"), seen(3)]
    futures = [journal.take(row) for row in rows]
    await flush(hass, freezer)
    assert [row.cancelled() for row in futures if row] == [False, True, False]
    assert await count(entry) == 2


async def test_half_of_a_portion(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    journal: Journal,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What breaks off in the middle has written nothing, and is written as a whole later."""
    futures = [journal.take(seen(n, number=str(n))) for n in range(1, 4)]
    with monkeypatch.context() as patch:
        # Doors and numbers are written then, and sightings not yet.
        patch.setattr(store, "_cards", _away)
        await flush(hass, freezer)
    assert await count(entry, Source) == await count(entry, SeenNumber) == 0
    assert not any(row.done() for row in futures if row)
    await flush(hass, freezer, RETRY_SECONDS)
    assert await count(entry) == await count(entry, SeenNumber) == 3


async def test_property_is_loaded_anew(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    journal: Journal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """An end writes what waits; who passes while a property is away waits for it."""
    journal.take(seen(1))
    await hass.config_entries.async_unload(entry.entry_id)
    future = journal.take(seen(2))
    await flush(hass, freezer, RETRY_SECONDS)
    assert future
    assert not future.done()
    assert await hass.config_entries.async_setup(entry.entry_id)
    await flush(hass, freezer)
    assert future.done()
    assert await count(entry) == 2


async def test_property_is_removed(
    hass: HomeAssistant, entry: MockConfigEntry, journal: Journal
) -> None:
    """What waits for one that is removed is nobody's."""
    await hass.config_entries.async_unload(entry.entry_id)
    future = journal.take(seen())
    assert future
    await hass.config_entries.async_remove(entry.entry_id)
    assert future.done()
    assert journal.take(seen()) is None


async def test_of_two_properties(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    journal: Journal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Each keeps who passes at its own doors; an unassigned one is nobody's then."""
    other = MockConfigEntry(domain=DOMAIN, title="Property 2")
    other.add_to_hass(hass)
    assert await hass.config_entries.async_setup(other.entry_id)
    await hass.async_block_till_done()
    controller = await _assign(hass, other)
    futures = [journal.take(seen(1, device_id=key)) for key in (controller, "gate")]
    await flush(hass, freezer)
    assert all(row and row.done() for row in futures)
    assert (await count(entry), await count(other)) == (0, 1)


async def _assign(hass: HomeAssistant, entry: MockConfigEntry) -> str:
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={("community_safety", "x")}
    )
    door = {"config_entry_id": entry.entry_id, "device_id": device.id, "door": "1"}
    await call(hass, "assign_door", door)
    return device.id


async def test_whose_card_it_was(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    journal: Journal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A passage is the holder's of that time, also if it is told when another has the card."""
    first = await check_in(hass, entry, "1-1-101")
    card = await call(hass, "issue_card", {"person_id": first, "card_number": NUMBER})
    before = NOW.timestamp() - 60
    journal.take(seen(1, at=before))
    journal.take(seen(2))
    journal.take(seen(3, number=None))
    journal.take(seen(4, number="MARK-A1", kind=SeenKind.PLATE))
    await flush(hass, freezer)

    def read(session: Any) -> list[tuple[str, str | None]]:
        rows = session.execute(select(Sighting.event_id, Sighting.card_id))
        return sorted((row[0].partition("@")[0], row[1]) for row in rows)

    assert await entry.runtime_data.async_run(read) == [
        ("1", None),
        ("2", card["card_id"]),
        ("3", None),
        ("4", None),
    ]


def test_what_a_passage_comes_to() -> None:
    """With the controller's own time for its identity; a plate is none of a card's numbers."""
    card = Passage(
        device_id="gate",
        door="1",
        number="0010058400",
        decision=Decision.GRANTED,
        at=NOW,
        index=7,
        stamp=NOW - timedelta(seconds=5),
    )
    found = seen_of(card)
    assert found
    assert (found.number, found.kind, found.granted) == (NUMBER, SeenKind.CARD, True)
    assert found.event_id == f"7@{NOW.timestamp() - 5:.0f}"
    assert found.at == NOW.timestamp()
    late = seen_of(replace(card, at=NOW - timedelta(seconds=5), late=True))
    assert late
    assert late.event_id == found.event_id
    plate = seen_of(replace(card, number="mark-a1", stamp=None))
    assert plate
    assert (plate.number, plate.kind, plate.event_id) == (
        "MARK-A1",
        SeenKind.PLATE,
        "7",
    )
    # Some countries have plates of digits alone: they are nobody's card.
    digits = seen_of(replace(card, means=Means.PLATE, event="e1", corrected=True))
    assert digits
    assert (digits.kind, digits.number) == (SeenKind.PLATE, card.number)
    assert (digits.event_id, digits.corrected) == ("plate e1", True)
    face = seen_of(replace(card, number=""))
    assert face
    assert face.number is None
    sight = seen_of(
        replace(
            card,
            number="",
            means=Means.SIGHT,
            event="e2",
            colour=Colour.RED,
            age_group=AgeGroup.CHILD,
        )
    )
    assert sight
    assert (sight.number, sight.event_id) == (None, "sight e2")
    assert sight.attributes == {"colour": "red", "age_group": "child"}
    assert found.attributes is None
    assert seen_of(replace(card, device_id=None)) is None


async def test_taken_back(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    journal: Journal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What is taken back has no number any more; what was never there leaves no row."""
    read = seen(event_id="e1", number="4711", kind=SeenKind.PLATE)
    journal.take(read)
    journal.take(seen(event_id="e3", number=None))
    await flush(hass, freezer)
    journal.take(replace(read, event_id="e4"))
    for event_id in ("e1", "e2", "e4"):
        journal.take(replace(read, event_id=event_id, number=None, corrected=True))
    await flush(hass, freezer)
    columns = select(Sighting.event_id, Sighting.number_id).order_by(Sighting.event_id)
    rows = await entry.runtime_data.async_run(
        lambda session: session.execute(columns).tuples().all()
    )
    assert rows == [("e1", None), ("e3", None), ("e4", None)]


@pytest.mark.parametrize("at_once", [True, False])
async def test_corrected(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    journal: Journal,
    freezer: FrozenDateTimeFactory,
    at_once: bool,
) -> None:
    """What a camera has read wrong is not kept, and does not come back."""
    for row in (
        seen(event_id="e1", number="4711", kind=SeenKind.PLATE),
        seen(event_id="e1", number="4712", kind=SeenKind.PLATE, corrected=True),
        seen(event_id="e1", number="4711", kind=SeenKind.PLATE),
    ):
        journal.take(row)
        if not at_once:
            await flush(hass, freezer)
    await flush(hass, freezer)
    assert await count(entry) == 1
    (row,) = (await passages(hass, entry))["passages"]
    assert (row["medium"], row["card_number"]) == ("plate", "••••12")


@pytest.mark.parametrize(
    "other",
    [
        {"number": "4712"},
        {"category": "car"},
        {"attributes": {"colour": "red"}},
        {"decision": "seen"},
        {"granted": None},
        {"inwards": True},
    ],
)
async def test_corrected_to_what_it_was(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    journal: Journal,
    freezer: FrozenDateTimeFactory,
    other: dict[str, Any],
) -> None:
    """A gateway that has forgotten what it told tells it once more: the row stays, with its card."""
    first = seen(event_id="e1", number="4711", kind=SeenKind.PLATE, at=1.0)
    journal.take(first)
    await flush(hass, freezer)
    # The time of an event is its beginning: by that it shows whether it was written anew.
    journal.take(replace(first, corrected=True, at=2.0))
    await flush(hass, freezer)

    def read(session: Any) -> list[float]:
        return list(session.scalars(select(Sighting.at)))

    assert await entry.runtime_data.async_run(read) == [1.0]
    journal.take(replace(first, corrected=True, at=2.0, **other))
    await flush(hass, freezer)
    assert await entry.runtime_data.async_run(read) == [2.0]


async def test_encrypted_and_found(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    journal: Journal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A number is in the vault, and after a rotation it is still found."""
    journal.take(seen(1))
    await flush(hass, freezer)
    await call(hass, "rotate_key", {"config_entry_id": entry.entry_id})
    journal.take(seen(2))
    await flush(hass, freezer)
    assert await count(entry, SeenNumber) == 1

    def read(session: Any) -> str | None:
        number = session.scalars(select(SeenNumber)).one()
        return Vault(entry.runtime_data.keys).read(session, number.number_row)

    assert await entry.runtime_data.async_run(read) == NUMBER


async def test_purged_in_portions(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    journal: Journal,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After thirty days a sighting goes, a few at a time, and its number with the last one."""
    monkeypatch.setattr(module, "PORTION", 3)
    for n in range(7):
        journal.take(seen(n))
    journal.take(seen(8, number="5", device_id="other"))
    await flush(hass, freezer)
    freezer.tick(timedelta(days=29))
    journal.take(seen(9))
    await flush(hass, freezer)
    portions: list[int] = []
    purge = store.purge

    def note(session: Any, **more: Any) -> int:
        portions.append(purge(session, **more))
        return portions[-1]

    monkeypatch.setattr(store, "purge", note)
    midnight = dt_util.start_of_local_day() + timedelta(days=2)
    freezer.move_to(midnight)
    async_fire_time_changed(hass, midnight)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert portions == [3, 3, 2, 0]
    assert await count(entry) == await count(entry, SeenNumber) == 1
    assert await count(entry, Source) == 1
    of_numbers = CompartmentRow.kind == store.KIND
    assert await count(entry, CompartmentRow, of_numbers) == 1


async def test_purge_lets_others_write(
    hass: HomeAssistant, entry: MockConfigEntry, journal: Journal, freezer: Any
) -> None:
    """Whoever writes meanwhile waits for no more than a portion."""
    for n in range(3 * PORTION):
        journal.take(seen(n, number=str(n)))
    await flush(hass, freezer)
    freezer.tick(timedelta(days=31))
    register = entry.runtime_data
    portions: list[int] = []

    def note(session: Session) -> None:
        found = session.scalars(select(func.count()).select_from(Sighting)).one()
        portions.append(
            found + session.scalars(select(func.count(SeenNumber.id))).one()
        )

    async def write(purging: asyncio.Task[int]) -> None:
        while not purging.done():
            await register.async_run(note)

    purging = hass.async_create_task(async_purge(register))
    await write(purging)
    assert await purging == 3 * PORTION
    steps = [before - after for before, after in pairwise([6 * PORTION, *portions])]
    assert max(steps) == PORTION


async def test_seen_again_while_it_is_purged(
    hass: HomeAssistant, entry: MockConfigEntry, journal: Journal, freezer: Any
) -> None:
    """A number that somebody is seen with at that moment is not forgotten."""
    journal.take(seen(1))
    await flush(hass, freezer)
    freezer.tick(timedelta(days=31))
    register = entry.runtime_data
    before = time.time() - timedelta(days=30).total_seconds()
    await register.async_run(partial(store.purge, before=before, most=PORTION))
    ids = await register.async_read(store.unseen)
    journal.take(seen(2))
    await flush(hass, freezer)
    await register.async_run(partial(store.drop_unseen, ids=ids))
    assert len(ids) == await count(entry, SeenNumber) == 1


async def test_erased(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    journal: Journal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """With somebody goes where they were, and the number of their card."""
    person = await check_in(hass, entry, "1-1-101")
    await call(hass, "issue_card", {"person_id": person, "card_number": NUMBER})
    journal.take(seen(1))
    journal.take(seen(2, number="4711"))
    await flush(hass, freezer)
    await call(hass, "erase_person", {"person_id": person})
    assert await count(entry) == 1
    assert await count(entry, SeenNumber) == 1
    assert await count(entry, CompartmentRow, CompartmentRow.kind == store.KIND) == 1


async def test_erased_whose_number_others_have_used(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    journal: Journal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What was seen of a number before it was theirs stays."""
    journal.take(seen(1))
    await flush(hass, freezer, 60)
    person = await check_in(hass, entry, "1-1-101")
    await call(hass, "issue_card", {"person_id": person, "card_number": NUMBER})
    journal.take(seen(2))
    await flush(hass, freezer)
    assert await count(entry, Sighting, Sighting.card_id.is_not(None)) == 1
    await call(hass, "erase_person", {"person_id": person})
    assert await count(entry) == await count(entry, SeenNumber) == 1
    # And a card that nobody has is nobody's, whoever still uses it.
    journal.take(seen(3))
    await flush(hass, freezer)
    assert await count(entry, Sighting, Sighting.card_id.is_not(None)) == 0
    assert await count(entry, Card, Card.person_id.is_not(None)) == 0


async def passages(hass: HomeAssistant, entry: MockConfigEntry, **data: Any) -> Any:
    """Return who passed at the gate."""
    asked = {
        "config_entry_id": entry.entry_id,
        "device_id": "gate",
        "reason": "inspection",
    }
    return await call(hass, "get_passages", asked | data)


async def test_passages_of_a_door(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    journal: Journal,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The newest first, with who it was, and each who is shown in the audit."""
    person = await check_in(hass, entry, "1-1-101")
    await call(hass, "issue_card", {"person_id": person, "card_number": NUMBER})
    journal.take(seen(1))
    freezer.tick(60)
    journal.take(
        seen(2, number="4711999", decision="unknown", granted=False, channel="2")
    )
    await flush(hass, freezer)
    found = await passages(hass, entry)
    assert not found["more"]
    newest, oldest = found["passages"]
    assert (newest["card_number"], newest["person_id"]) == ("••••999", None)
    assert (newest["granted"], newest["decision"], newest["door"]) == (
        False,
        "unknown",
        "2",
    )
    assert (oldest["name"], oldest["person_id"]) == ("MARK-NAME-1", person)
    assert NUMBER not in repr(found)
    only = await passages(hass, entry, door="1")
    assert [row["at"] for row in only["passages"]] == [oldest["at"]]
    # Until the last that was shown, and not it again.
    assert (await passages(hass, entry, until=newest["at"]))["passages"] == [oldest]
    is_it = Audit.what == "get_passages", Audit.why == "inspection"
    assert await count(entry, Audit, *is_it, Audit.person_id == person) == 3
    assert await count(entry, Audit, *is_it, Audit.person_id.is_(None)) == 3
    monkeypatch.setattr("custom_components.rental_units.app.sightings.MOST_ROWS", 1)
    found = await passages(hass, entry)
    assert (found["more"], found["passages"]) == (True, [newest])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_passages_of_one_moment(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    journal: Journal,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Boards tell whole seconds: who goes on from the last row misses nobody."""
    for n in (1, 2, 3):
        journal.take(seen(n, number=str(n)))
    freezer.tick(1)
    journal.take(seen(4, number="4"))
    await flush(hass, freezer)
    monkeypatch.setattr("custom_components.rental_units.app.sightings.MOST_ROWS", 3)
    first = await passages(hass, entry)
    assert (first["more"], len(first["passages"])) == (True, 3)
    rest = await passages(hass, entry, page=first["next"])
    assert (rest["more"], rest["next"], len(rest["passages"])) == (False, None, 1)


@pytest.mark.parametrize("most", [1, 2, 7])
async def test_more_in_one_second_than_a_page(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    journal: Journal,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
) -> None:
    """A crowd passes several doors at once: page by page, each is shown, and nobody twice."""
    crowd = [
        seen(f"{letter}{n}", number=f"5555{n:02}{door:02}", channel=str(door))
        for n, letter in enumerate("aBc_é1@-Z")
        for door in (1, 2, 3)
    ]
    for one in crowd:
        journal.take(one)
    freezer.tick(1)
    journal.take(seen(99, number="55559999"))
    await flush(hass, freezer)
    monkeypatch.setattr("custom_components.rental_units.app.sightings.MOST_ROWS", most)
    shown: list[str] = []
    page: dict[str, Any] = {}
    while True:
        found = await passages(hass, entry, **page)
        shown += [row["card_number"] for row in found["passages"]]
        assert len(found["passages"]) <= most
        if not found["more"]:
            break
        page = {"page": found["next"]}
    assert len(shown) == len(crowd) + 1
    numbers = [*(str(row.number) for row in crowd), "55559999"]
    assert sorted(shown) == sorted(f"••••{number[-4:]}" for number in numbers)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("page", ["x", "1 2", "nan 1 e", "1.0 a e"])
async def test_no_such_page(
    hass: HomeAssistant, entry: MockConfigEntry, page: str
) -> None:
    """What is no page is said to be none, whatever it is."""
    with pytest.raises(ServiceValidationError) as failure:
        await passages(hass, entry, page=page)
    assert failure.value.translation_key == "passages_no_page"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_removed_with_what_nobody_waits_for(
    hass: HomeAssistant, entry: MockConfigEntry, journal: Journal
) -> None:
    """What waits for a property that is removed is done, also if its device is gone."""
    await hass.config_entries.async_unload(entry.entry_id)
    gone, waits = journal.take(seen(1)), journal.take(seen(2))
    assert gone
    assert waits
    gone.cancel()
    await hass.config_entries.async_remove(entry.entry_id)
    assert (waits.done(), waits.cancelled()) == (True, False)
    assert not hass.config_entries.async_entries(DOMAIN)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_passages_are_refused(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Nobody is shown who passed without a reason, not even an administrator; nor for weeks."""
    clerk = await account(hass, entry, "desk")
    for data, user, key in (
        ({"reason": "management"}, "administrator", "needs_reason"),
        ({"since": "2026-08-20T00:00:00"}, "administrator", "passages_too_long"),
        ({"since": NOW + timedelta(hours=1)}, "administrator", "passages_no_time"),
        ({}, clerk, None),
    ):
        asked = {
            "config_entry_id": entry.entry_id,
            "device_id": device_id(hass, entry, "1-1-101"),
            "reason": "inspection",
        }
        with pytest.raises(Exception, match=r".") as failure:
            await call(hass, "get_passages", asked | data, user=user)
        assert getattr(failure.value, "translation_key", None) == key
