"""Rounds: who has agreed is visited in time, at their own door, and nothing of it stays longer."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from sqlalchemy import select, update

from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.places import IssueCodes, RevokeCode
from custom_components.rental_units.care.visits.book import LOOK
from custom_components.rental_units.care.visits.rules import Cause
from custom_components.rental_units.const import ConsentScope
from custom_components.rental_units.places.book import DATA_BOOKS
from custom_components.rental_units.storage.engine import Database
from custom_components.rental_units.storage.errors import RegisterError
from custom_components.rental_units.storage.vault import CompartmentRow
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util
from tests.rental_units.common import (
    OTHER_PHONE,
    account,
    audited,
    call,
    check_in,
    device_id,
    unit_id,
)
from tests.rental_units.reports.test_triage import passes, sleeps
from tests.rental_units.test_consents import new_day

from .conftest import NOTE, NOW, PanelFor, Visited, agrees, plate_of, rounds_of

sqlite_only = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
OTHER = {"name": "MARK-OTHER", "phone": OTHER_PHONE}


async def listed(panel_for: PanelFor, user: Any = None) -> dict[str, dict[str, Any]]:
    """Return who is to be visited, by their ids."""
    found = await panel_for(user).get("rounds", reason="inspection")
    return {row["person_id"]: row for row in found["rounds"]}


async def kept(entry: MockConfigEntry) -> list[CompartmentRow]:
    """Return what is kept of rounds."""
    query = select(CompartmentRow).where(CompartmentRow.kind == ConsentScope.VISITS)
    return await entry.runtime_data.async_run(
        lambda session: list(session.scalars(query))
    )


async def record(panel_for: PanelFor, person: str, outcome: str, **more: Any) -> Any:
    """Record a visit, without a scan if there is no code."""
    said = more or {"no_scan": "no_plate"}
    return await panel_for().get(
        "record_visit", person_id=person, outcome=outcome, **said
    )


async def test_whole_way(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    visited: Visited,
    panel_for: PanelFor,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Due, not met, met at the door whose plate was scanned: who and when, as the account says."""
    worker = await account(hass, entry, "grid_worker")
    person = await visited(in_charge=worker.id)
    (row,) = (await listed(panel_for)).values()
    assert (row["risk"], row["when"], row["unit"]) == ("high", "later", "1-1-101")
    assert row["next_on"] == "2026-09-08"
    assert NOTE not in repr(row)
    await passes(hass, freezer, days=1)
    assert (await listed(panel_for))[person]["when"] == "week"

    code = await plate_of(hass, entry)
    theirs = panel_for(worker)
    why = {"reason": "inspection"}
    here = await theirs.get("rounds_at_place", code=code, **why)
    (row,) = here["rounds"]
    # Whom they visit, they are not named in full: the plate's own reveal does that.
    assert (row["person_id"], row["note"]) == (person, NOTE)
    assert "MARK-NAME-1" not in row["name"]
    assert here["accounts"] == {worker.id: worker.name}
    of = {"person_id": person, "code": code, **why}
    answer = await theirs.get("record_visit", **of, outcome="not_met")
    assert (answer["missed"], answer["next_on"]) == (1, "2026-09-03")
    assert (await listed(panel_for))[person]["when"] == "week"
    await passes(hass, freezer, days=1)
    assert (await listed(panel_for))[person]["when"] == "today"
    answer = await theirs.get(
        "record_visit", **of, outcome="met", note="MARK-FOUND well"
    )
    assert (answer["missed"], answer["next_on"]) == (0, "2026-09-10")
    shown = await theirs.get("round", person_id=person, **why)
    assert [(v["outcome"], v["who"], v["no_scan"]) for v in shown["visits"]] == [
        ("met", worker.id, None),
        ("not_met", worker.id, None),
    ]
    assert dt_util.parse_datetime(shown["visits"][0]["at"]) == NOW + timedelta(days=2)
    assert shown["visits"][0]["note"] == "MARK-FOUND well"
    # A week later nobody was there.
    await passes(hass, freezer, days=8)
    assert (await listed(panel_for))[person]["when"] == "overdue"

    rows_ = await audited(entry, "record_visit")
    assert [(r.who, r.person_id, r.unit_id) for r in rows_] == [
        (worker.id, person, unit_id(entry, "1-1-101"))
    ] * 2
    # One row, which says nothing to who has the database alone.
    (row_,) = await kept(entry)
    assert row_.key_id
    assert "MARK" not in row_.body
    assert "high" not in row_.body


async def test_at_another_door(
    hass: HomeAssistant, entry: MockConfigEntry, visited: Visited, panel_for: PanelFor
) -> None:
    """A plate counts where somebody lives, while it is valid; else it must be said why not."""
    person = await visited()
    application = application_of(hass, entry.entry_id)
    places = hass.data[DATA_BOOKS][entry.entry_id]
    own = await plate_of(hass, entry)
    others = [await plate_of(hass, entry, "1-1-102"), "nonsense"]
    (building,) = (row.id for row in places.places.values() if row.kind == "building")
    printed = IssueCodes([building], places.new_token)
    others += [row.token for row in await application.async_fill(printed, None)]
    said = {"person_id": person, "outcome": "met"}
    panel = panel_for()
    for code in others:
        refusal = await panel.refusal("record_visit", **said, code=code)
        assert refusal == "not_their_door"
    place = places.find(own)
    assert place
    await application.async_fill(RevokeCode(place.id), None)
    assert await panel.refusal("record_visit", **said, code=own) == "not_their_door"
    assert await panel.refusal("record_visit", **said) == "scan_or_why_not"
    assert (await panel.get("round", person_id=person))["visits"] == []
    await panel.get("record_visit", **said, no_scan="unreadable")
    (row,) = (await panel.get("round", person_id=person))["visits"]
    assert row["no_scan"] == "unreadable"
    # Who is asked for by place is found there; nobody is visited on the stairs.
    shown = await panel.get("rounds_at_place", place_id=place.id)
    assert [row["person_id"] for row in shown["rounds"]] == [person]
    assert (await panel.get("rounds_at_place", place_id=building))["rounds"] == []
    for wrong in ({"place_id": "none"}, {"code": own}, {}):
        assert await panel.refusal("rounds_at_place", **wrong) == "no_such_place"


@sqlite_only
@pytest.mark.parametrize("role", ["police", "landlord", "resident", "desk", "user"])
async def test_who_may_not(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    visited: Visited,
    panel_for: PanelFor,
    role: str,
) -> None:
    """Who scans the plate and has no such role learns nothing, and writes nothing."""
    person = await visited()
    code = await plate_of(hass, entry)
    lease = {"landlord": "landlord", "resident": "tenant"}.get(role)
    own = await check_in(hass, entry, "1-1-101", **OTHER, role=lease) if lease else None
    panel = panel_for(await account(hass, entry, role, own))
    why = {"reason": "inspection"}
    of = {"person_id": person, **why}
    for command, data in (
        ("rounds", why),
        ("rounds_at_place", {"code": code, **why}),
        ("rounds_at_place", {"code": "nonsense", **why}),
        ("round", of),
        ("round_form", of),
        ("put_round", {**of, "risk": "general"}),
        ("put_round", {**of, "risk": "general", "in_charge": "x"}),
        ("end_round", of),
        ("request_visit", of),
        ("record_visit", {**of, "outcome": "met", "code": code}),
    ):
        assert await panel.refusal(command, **data) == "Unauthorized", command
    (row,) = (await listed(panel_for)).values()
    assert (row["risk"], row["last"]) == ("high", None)


@sqlite_only
async def test_only_their_own(
    hass: HomeAssistant, entry: MockConfigEntry, visited: Visited, panel_for: PanelFor
) -> None:
    """A responder visits whom they are in charge of, and learns of nobody else."""
    helper = await account(hass, entry, "responder")
    own = await visited(in_charge=helper.id)
    other = await visited("1-1-102", **OTHER)
    panel = panel_for(helper)
    assert [row["person_id"] for row in (await panel.get("rounds"))["rounds"]] == [own]
    code = await plate_of(hass, entry, "1-1-102")
    assert (await panel.get("rounds_at_place", code=code))["rounds"] == []
    for person in (other, "unknown"):
        said = {"person_id": person, "outcome": "met", "no_scan": "no_plate"}
        assert await panel.refusal("record_visit", **said) == "Unauthorized"
        assert await panel.refusal("round", person_id=person) == "Unauthorized"
    code = await plate_of(hass, entry)
    await panel.get("record_visit", person_id=own, outcome="refused", code=code)
    (row,) = (await panel.get("round", person_id=own))["visits"]
    assert row["outcome"] == "refused"
    # What is theirs no more is another's.
    await panel_for().get("put_round", person_id=own, risk="key")
    assert await panel.refusal("round", person_id=own) == "Unauthorized"


async def test_put(
    hass: HomeAssistant, entry: MockConfigEntry, panel_for: PanelFor, still: Any
) -> None:
    """Nobody is visited without their consent, nowhere, or by somebody who may not."""
    person = await check_in(hass, entry, "1-1-101")
    panel = panel_for()
    said = {"person_id": person, "risk": "key"}
    assert await panel.refusal("put_round", **said) == "no_consent_to_visits"
    assert await panel.refusal("round", person_id=person) == "no_such_round"
    form = await panel.get("round_form", person_id=person)
    assert (form["agreed"], form["version"], form["risk"]) == (False, 0, None)
    await agrees(hass, person)
    user = await account(hass, entry, "user")
    worker = await account(hass, entry, "grid_worker")
    form = await panel.get("round_form", person_id=person)
    assert form["agreed"]
    assert user.id not in form["accounts"]
    assert form["accounts"][worker.id] == worker.name
    home = unit_id(entry, "1-1-101")
    assert form["homes"] == [{"unit_id": home, "unit": "1-1-101"}]
    for who in (user.id, "unknown"):
        refusal = await panel.refusal("put_round", **said, in_charge=who)
        assert refusal == "cannot_be_in_charge"
    elsewhere = unit_id(entry, "1-2-101")
    assert await panel.refusal("put_round", **said, unit_id=elsewhere) == "which_home"
    written = await panel.get("put_round", **said, in_charge=worker.id, version=0)
    assert (written["risk"], written["unit_id"], written["version"]) == ("key", home, 1)
    # Who has not seen that writes nothing over it.
    assert await panel.refusal("put_round", **said, version=0) == "round_changed"
    form = await panel.get("round_form", person_id=person)
    assert (form["version"], form["in_charge"]) == (1, worker.id)
    # Somebody with two homes is visited at one of them.
    await check_in(hass, entry, "1-2-101", person_id=person, name=None, phone=None)
    for unit, found in ((None, home), (elsewhere, elsewhere), (None, elsewhere)):
        more = {"unit_id": unit} if unit else {}
        answer = await panel.get("put_round", **said, **more)
        assert answer["unit_id"] == found
    await panel.get("end_round", person_id=person)
    assert await panel.refusal("end_round", person_id=person) == "no_such_round"
    assert await kept(entry) == []
    assert await panel.refusal("put_round", **said) == "which_home"
    landlord = await check_in(hass, entry, "1-1-102", **OTHER, role="landlord")
    await agrees(hass, landlord)
    answer = await panel.get("put_round", person_id=landlord, risk="general")
    assert answer["unit_id"] == unit_id(entry, "1-1-102")
    named = await call(
        hass,
        "give_consent",
        {
            "person_id": person,
            "scope": "visits",
            "contacts": [{"name": "MARK-R", "phone": "13800138009"}],
        },
    )
    relative = named["contacts"][0]
    await agrees(hass, relative)
    refusal = await panel.refusal("put_round", person_id=relative, risk="high")
    assert refusal == "lives_nowhere"


@pytest.mark.parametrize("how", ["revoked", "erased", "over", "written_off"])
async def test_gone(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    visited: Visited,
    panel_for: PanelFor,
    freezer: FrozenDateTimeFactory,
    how: str,
) -> None:
    """With the consent, or its person, all goes: risk, notes, and what was found."""
    person = await visited()
    other = await visited("1-1-102", **OTHER)
    for one in (person, other):
        await record(panel_for, one, "met", note="MARK-FOUND", no_scan="elsewhere")
    assert len(await kept(entry)) == 2
    match how:
        case "revoked":
            data = {"person_id": person, "scope": "visits"}
            await call(hass, "revoke_consent", data)
        case "erased":
            await call(hass, "erase_person", {"person_id": person})
        case "over":
            await agrees(hass, person, until=entry.runtime_data.today)
            await new_day(hass, freezer)
        case "written_off":
            await panel_for().get("end_round", person_id=person)
    assert [row.person_id for row in await kept(entry)] == [other]
    assert rounds_of(hass, entry).rounds.keys() == {other}
    assert (await listed(panel_for)).keys() == {other}
    assert rounds_of(hass, entry).figures.all == 1


async def test_no_consent_counts_no_more(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    visited: Visited,
    panel_for: PanelFor,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After its last day nobody is visited by it, whatever the database does."""
    person = await visited()
    await agrees(hass, person, until=entry.runtime_data.today)

    async def fail(*_: Any, **__: Any) -> None:
        raise RegisterError("register_full")

    with monkeypatch.context() as patched:
        patched.setattr(entry.runtime_data.database, "async_run", fail)
        await new_day(hass, freezer)
    assert len(await kept(entry)) == 1
    assert await listed(panel_for) == {}
    said = {"person_id": person, "outcome": "met", "no_scan": "no_plate"}
    assert await panel_for().refusal("record_visit", **said) == "no_such_round"
    assert not await rounds_of(hass, entry).async_after_event(person, Cause.NEW_HOME)


async def test_moving(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    visited: Visited,
    panel_for: PanelFor,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A new home wants a visit within a day, once the old one is not theirs; over a restart too."""
    person = await visited(risk="general")
    of_unit = {"device_id": device_id(hass, entry, "1-1-101"), "reason": "inspection"}
    shown = await call(hass, "get_unit", of_unit)
    lease = shown["people"][0]["lease_id"]
    day = entry.runtime_data.today + timedelta(days=2)
    to = device_id(hass, entry, "1-2-101")
    await call(hass, "move", {"lease_id": lease, "device_id": to, "date": day})
    row = (await listed(panel_for))[person]
    assert (row["unit"], row["cause"]) == ("1-1-101", None)
    await sleeps(hass, entry, freezer, days=3, hours=3)
    row = (await listed(panel_for))[person]
    assert (row["unit"], row["cause"], row["when"]) == ("1-2-101", "new_home", "today")
    begun = rounds_of(hass, entry).rounds[person][0].events[0].at
    due_at = dt_util.parse_datetime(row["due_at"])
    assert due_at
    assert due_at.timestamp() == begun + 86_400
    code = await plate_of(hass, entry, "1-2-101")
    await record(panel_for, person, "met", code=code)
    assert (await listed(panel_for))[person]["cause"] is None


async def test_moving_out(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    visited: Visited,
    panel_for: PanelFor,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Who leaves is not due, and forgotten with that day; a slip of the pen changes nothing."""
    person = await visited()
    left = {"device_id": device_id(hass, entry, "1-1-101"), "person_id": person}
    answer = await call(hass, "check_out", left)
    assert (await listed(panel_for))[person]["when"] == "away"
    assert rounds_of(hass, entry).figures.all == 0
    await call(hass, "undo", {"command_id": answer["command_id"]})
    row = (await listed(panel_for))[person]
    assert (row["when"], row["cause"]) == ("later", None)
    await call(hass, "check_out", left)
    await new_day(hass, freezer)
    assert await listed(panel_for) == {}
    assert await kept(entry) == []
    ended = await audited(entry, "end_round")
    assert [(row.who, row.person_id) for row in ended] == [(None, person)]


async def test_two_who_are_one(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    visited: Visited,
    panel_for: PanelFor,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A merge loses no visit, and the higher risk counts; the next change writes one row."""
    one = await visited(risk="general", note="MARK-ONE")
    freezer.tick(60)
    two = await visited("1-1-102", **OTHER, note="MARK-TWO")
    await record(panel_for, one, "met", note="MARK-1", no_scan="no_plate")
    await record(panel_for, two, "not_met", note="MARK-2", no_scan="no_plate")
    await call(hass, "merge_people", {"person_id": one, "duplicate_id": two})
    found = await listed(panel_for)
    assert found.keys() == {one}
    assert rounds_of(hass, entry).rounds.keys() == {one}
    assert found[one]["risk"] == "high"
    shown = await panel_for().get("round", person_id=one)
    assert {row["note"] for row in shown["visits"]} == {"MARK-1", "MARK-2"}
    assert shown["note"] == "MARK-ONE\nMARK-TWO"
    await record(panel_for, one, "met")
    assert len(await kept(entry)) == 1
    assert len((await panel_for().get("round", person_id=one))["visits"]) == 3


async def test_restart(
    hass: HomeAssistant, entry: MockConfigEntry, visited: Visited, panel_for: PanelFor
) -> None:
    """Everything is as it was, and nothing twice."""
    person = await visited()
    await record(panel_for, person, "not_met")
    await panel_for().get("request_visit", person_id=person)
    before, rounds = await listed(panel_for), rounds_of(hass, entry).rounds
    assert before[person]["cause"] == "requested"
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert await listed(panel_for) == before
    assert rounds_of(hass, entry).rounds == rounds


async def test_after_an_event(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    visited: Visited,
    panel_for: PanelFor,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An alarm wants a visit within a day, once however often it is told; of a database that is away, later."""
    person = await visited(risk="general")
    book, at = rounds_of(hass, entry), NOW.timestamp() - 60
    assert not await book.async_after_event("unknown", Cause.CARE_ALARM, at)
    for _ in range(2):
        assert await book.async_after_event(person, Cause.CARE_ALARM, at)
    assert [row.at for row in book.rounds[person][0].events] == [at]
    row = (await listed(panel_for))[person]
    assert (row["cause"], row["when"]) == ("care_alarm", "today")
    await record(panel_for, person, "met")
    assert book.rounds[person][0].events == ()

    async def fail(*_: Any, **__: Any) -> None:
        raise RegisterError("register_full")

    freezer.tick(60)
    with monkeypatch.context() as patched:
        patched.setattr(Database, "async_run", fail)
        assert await book.async_after_event(person, Cause.CARE_ALARM)
        assert "not written yet" in caplog.text
        await passes(hass, freezer, seconds=LOOK.total_seconds())
        assert book.rounds[person][0].events == ()
    await passes(hass, freezer, seconds=LOOK.total_seconds())
    (event,) = book.rounds[person][0].events
    assert event.at == NOW.timestamp() + 60
    assert (await audited(entry, "request_visit"))[-1].who is None


@sqlite_only
async def test_a_key_that_is_lost(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    visited: Visited,
    panel_for: PanelFor,
) -> None:
    """What nobody can open is no round; the register says so, and a new one can begin."""
    person = await visited()
    await entry.runtime_data.async_run(
        lambda session: session.execute(update(CompartmentRow).values(key_id="lost"))
    )
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert await listed(panel_for) == {}
    assert entry.runtime_data.unreadable == 1
    await panel_for().get("put_round", person_id=person, risk="key")
    assert (await listed(panel_for))[person]["risk"] == "key"


@sqlite_only
async def test_actions(
    hass: HomeAssistant, entry: MockConfigEntry, visited: Visited, panel_for: PanelFor
) -> None:
    """An automation asks for a visit, and only a person says that they were there."""
    person = await visited(risk="general")
    answer = await call(hass, "request_visit", {"person_id": person}, user=None)
    assert answer["person_id"] == person
    due_at = dt_util.parse_datetime(answer["due_at"])
    assert due_at == NOW + timedelta(days=1)
    said = {"person_id": person, "outcome": "met", "no_scan": "elsewhere"}
    with pytest.raises(ServiceValidationError) as failure:
        await call(hass, "record_visit", said, user=None)
    assert failure.value.translation_key == "needs_person"
    answer = await call(hass, "record_visit", {**said, "note": "MARK-N"})
    assert answer["missed"] == 0
    for action, data in (("record_visit", said), ("request_visit", {})):
        with pytest.raises(ServiceValidationError) as failure:
            await call(hass, action, {**data, "person_id": "unknown"})
        assert failure.value.translation_key == "no_such_round"
