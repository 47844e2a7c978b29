"""What people have agreed to: given, renewed, revoked, ended, and gone with all that is kept by it."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from sqlalchemy import select
from sqlalchemy.orm import Session

from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.const import ConsentScope
from custom_components.rental_units.register import consents, queries
from custom_components.rental_units.register.models import Audit, Person
from custom_components.rental_units.storage.errors import RegisterError
from custom_components.rental_units.storage.vault import (
    Compartment,
    CompartmentRow,
    Vault,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util

from .common import OTHER_PHONE, account, call, check_in, device_id
from .panel import panel_of

INACTIVITY, PHOTOS = "inactivity", "photos"
RELATIVE = {"name": "MARK-RELATIVE", "phone": OTHER_PHONE}


async def refusal(hass: HomeAssistant, action: str, **data: Any) -> str | None:
    """Return why a call is refused."""
    with pytest.raises(ServiceValidationError) as failure:
        await call(hass, action, data)
    return failure.value.translation_key


async def shown(hass: HomeAssistant, person: str) -> dict[str, Any]:
    """Return what somebody agrees to, by its scope."""
    found = await call(hass, "get_consents", {"person_id": person})
    return {row["scope"]: row for row in found["consents"]}


async def names(entry: MockConfigEntry) -> set[str]:
    """Return who is in the register."""
    return await entry.runtime_data.async_run(
        lambda session: set(session.scalars(select(Person.name)))
    )


async def keep(entry: MockConfigEntry, person: str, kind: str) -> None:
    """Keep something of somebody, as a feature does."""
    vault = Vault(entry.runtime_data.keys)

    def write(session: Session) -> None:
        vault.put(session, Compartment.CARE, kind, "MARK-PATTERN", person_id=person)

    await entry.runtime_data.async_run(write)


async def kept(entry: MockConfigEntry) -> list[str]:
    """Return the kinds of what is kept."""
    return await entry.runtime_data.async_run(
        lambda session: list(
            session.scalars(select(CompartmentRow.kind).order_by(CompartmentRow.kind))
        )
    )


async def new_day(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Let midnight come."""
    midnight = dt_util.start_of_local_day() + timedelta(days=1)
    freezer.move_to(midnight)
    async_fire_time_changed(hass, midnight)
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_given_renewed_and_revoked(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """It says to what, until when and whom; revoked, it is gone with what is kept by it."""
    person = await check_in(hass, entry, "1-1-101")
    neighbour = await check_in(
        hass, entry, "1-1-102", name="MARK-N", phone="13800138004"
    )
    today = entry.runtime_data.today
    data = {"person_id": person, "scope": INACTIVITY}
    named = [RELATIVE, {"person_id": neighbour}, {"person_id": neighbour}]
    answer = await call(
        hass,
        "give_consent",
        {**data, "contacts": named, "until": today + timedelta(days=42)},
    )
    relative = answer["contacts"][0]
    row = (await shown(hass, person))[INACTIVITY]
    assert row["until"] == (today + timedelta(days=42)).isoformat()
    assert row["given_by"]
    assert row["contacts"] == [
        {"person_id": relative, "name": "MARK-RELATIVE"},
        {"person_id": neighbour, "name": "MARK-N"},
    ]
    await call(hass, "give_consent", {**data, "scope": PHOTOS})
    for kind in (INACTIVITY, PHOTOS, "other"):
        await keep(entry, person, kind)
    # A relative lives nowhere here and stays, over a restart too.
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert "MARK-RELATIVE" in await names(entry)

    await call(hass, "give_consent", {**data, "contacts": [{"person_id": neighbour}]})
    row = (await shown(hass, person))[INACTIVITY]
    assert (row["until"], len(row["contacts"])) == (None, 1)
    # Who is not named any more is nobody's; what is kept goes on.
    assert "MARK-RELATIVE" not in await names(entry)
    assert await kept(entry) == [INACTIVITY, "other", PHOTOS]

    await call(hass, "revoke_consent", data)
    assert (await shown(hass, person)).keys() == {PHOTOS}
    assert await kept(entry) == ["other", PHOTOS]
    assert await names(entry) == {"MARK-NAME-1", "MARK-N"}
    assert await refusal(hass, "revoke_consent", **data) == "no_such_consent"


async def test_ends_by_itself(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """After its last day it counts no more, whatever the database does, and is removed."""
    person = await check_in(hass, entry, "1-1-101")
    today = entry.runtime_data.today
    heard: list[tuple[str, str | None]] = []

    async def listener(rows: Any) -> None:
        heard.extend((row.kind, row.person_id) for row in rows)

    application = application_of(hass, entry.entry_id)
    await application.async_start({"watch": listener})
    for scope, until in ((INACTIVITY, today), (PHOTOS, today + timedelta(days=1))):
        data = {"person_id": person, "scope": scope, "until": until}
        await call(hass, "give_consent", {**data, "contacts": [RELATIVE]})
        await keep(entry, person, scope)
    assert (await shown(hass, person)).keys() == {INACTIVITY, PHOTOS}
    heard.clear()

    async def fail(*_: Any, **__: Any) -> None:
        raise RegisterError("register_full")

    with monkeypatch.context() as patched:
        patched.setattr(entry.runtime_data.database, "async_run", fail)
        await new_day(hass, freezer)
    assert "could not begin a new day" in caplog.text
    assert (await shown(hass, person)).keys() == {PHOTOS}
    assert await kept(entry) == [INACTIVITY, PHOTOS]

    await application.async_start({"watch": listener})
    assert heard == [("consent_ended", person)]
    assert await kept(entry) == [PHOTOS]
    assert "MARK-RELATIVE" in await names(entry)
    await new_day(hass, freezer)
    assert heard == [("consent_ended", person)] * 2
    assert await kept(entry) == []
    assert await names(entry) == {"MARK-NAME-1"}
    who = await entry.runtime_data.async_run(
        lambda session: session.scalars(
            select(Audit.who).where(Audit.what == "revoke_consent")
        ).all()
    )
    assert who == [None, None]


async def test_what_is_no_consent(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A day that is over, and contacts whom nobody could ask, are refused, and nothing is left."""
    person = await check_in(hass, entry, "1-1-101")
    yesterday = entry.runtime_data.today - timedelta(days=1)
    data = {"person_id": person, "scope": INACTIVITY}
    for more, key in (
        ({"until": yesterday}, "consent_is_over"),
        ({"contacts": [{"name": "MARK-NOBODY"}]}, "contact_unreachable"),
        ({"contacts": [{"person_id": person}]}, "contact_unreachable"),
        ({"contacts": [{"person_id": "unknown"}]}, "no_such_person"),
        ({"person_id": "unknown"}, "no_such_person"),
    ):
        assert await refusal(hass, "give_consent", **{**data, **more}) == key
    assert await shown(hass, person) == {}
    assert await names(entry) == {"MARK-NAME-1"}


async def test_goes_with_its_person(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Who is erased agrees to nothing any more, is named by nobody, and leaves nothing."""
    person = await check_in(hass, entry, "1-1-101")
    other = await check_in(hass, entry, "1-1-102", name="MARK-N", phone="13800138004")
    for key, contacts in ((person, [RELATIVE]), (other, [{"person_id": person}])):
        data = {"person_id": key, "scope": INACTIVITY, "contacts": contacts}
        await call(hass, "give_consent", data)
    await keep(entry, person, INACTIVITY)
    await call(hass, "erase_person", {"person_id": person})
    assert await names(entry) == {"MARK-N"}
    assert (await shown(hass, other))[INACTIVITY]["contacts"] == []
    assert await kept(entry) == []
    counts = await entry.runtime_data.async_run(queries.counts)
    assert counts["consents"] == 1


async def test_strangers_leave_nothing(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Who is forgotten with their last lease leaves nothing in the compartments."""
    person = await check_in(hass, entry, "1-1-101")
    await call(hass, "give_consent", {"person_id": person, "scope": INACTIVITY})
    await keep(entry, person, INACTIVITY)
    key = device_id(hass, entry, "1-1-101")
    answer = await call(
        hass, "check_in", {"device_id": key, "name": "MARK-2", "phone": OTHER_PHONE}
    )
    await keep(entry, answer["person_id"], "other")

    def forget(session: Session) -> None:
        session.delete(session.get_one(Person, person).leases[0])
        session.flush()
        queries.forget_strangers(session, entry.runtime_data.keep)

    await entry.runtime_data.async_run(forget)
    assert await names(entry) == {"MARK-2"}
    assert await kept(entry) == ["other"]


@pytest.mark.parametrize("is_later", [False, True])
async def test_two_who_are_one(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    is_later: bool,
) -> None:
    """The later consent counts, and who had named the duplicate has named the one."""
    kept_id = await check_in(hass, entry, "1-1-101")
    other = await check_in(hass, entry, "1-1-102", name="MARK-N", phone="13800138004")
    third = await check_in(hass, entry, "1-2-101", name="MARK-3", phone="13800138005")
    today = entry.runtime_data.today
    both = (kept_id, other) if is_later else (other, kept_id)
    for days, person in enumerate(both):
        until = today + timedelta(days=days)
        data = {"person_id": person, "scope": INACTIVITY, "until": until}
        await call(hass, "give_consent", data)
        freezer.tick(60)
    await call(hass, "give_consent", {"person_id": other, "scope": PHOTOS})
    named = {"contacts": [{"person_id": other}]}
    await call(hass, "give_consent", {"person_id": third, "scope": PHOTOS, **named})
    await call(hass, "merge_people", {"person_id": kept_id, "duplicate_id": other})
    found = await shown(hass, kept_id)
    assert found.keys() == {INACTIVITY, PHOTOS}
    assert found[INACTIVITY]["until"] == (today + timedelta(days=1)).isoformat()
    contacts = (await shown(hass, third))[PHOTOS]["contacts"]
    assert [row["person_id"] for row in contacts] == [kept_id]


async def test_asked_by_a_feature(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A feature asks what counts today, and for nobody else."""
    person = await check_in(hass, entry, "1-1-101")
    await call(hass, "give_consent", {"person_id": person, "scope": INACTIVITY})
    today = entry.runtime_data.today

    def scopes(session: Session) -> list[list[str]]:
        return [
            [row.scope for row in consents.consents_of(session, key, today)]
            for key in (person, "somebody else")
        ]

    found = await entry.runtime_data.async_run(scopes)
    assert found == [[ConsentScope.INACTIVITY], []]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_in_a_panel(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """They are written down, shown and revoked there too, by who may; a landlord may not."""
    person = await check_in(hass, entry, "1-1-101", role="landlord")
    panel = await panel_of(hass, entry, hass_ws_client)
    said = await panel.get(
        "give_consent", person_id=person, scope=PHOTOS, contacts=[RELATIVE]
    )
    shown = await panel.get("consents", person_id=person)
    (row,) = shown["consents"]
    assert (row["scope"], row["until"]) == (PHOTOS, None)
    assert row["contacts"] == [
        {"person_id": said["contacts"][0], "name": "MARK-RELATIVE"}
    ]
    assert shown["accounts"][row["given_by"]]
    assert shown["scopes"] == [INACTIVITY, PHOTOS, "visits"]
    wrong = {"person_id": person, "scope": PHOTOS, "until": "2001-01-01"}
    assert await panel.refusal("give_consent", **wrong) == "consent_is_over"
    assert "MARK" not in await panel.refusal(
        "give_consent", person_id=person, scope=PHOTOS, contacts=[{"phone": "MARK"}]
    )
    landlord = await panel_of(
        hass, entry, hass_ws_client, await account(hass, entry, "landlord", person)
    )
    assert await landlord.refusal("consents", person_id=person) == "Unauthorized"
    await panel.get("revoke_consent", person_id=person, scope=PHOTOS)
    assert (await panel.get("consents", person_id=person))["consents"] == []
