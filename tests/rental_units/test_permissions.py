"""Who may do what: every role, every action, over the websocket; every view and command.

What may be done is read from the one table, and what is registered and not in it fails.
"""

from base64 import b64encode
from datetime import timedelta
from http import HTTPStatus
import itertools
from types import MappingProxyType
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from sqlalchemy import select
from sqlalchemy.orm import Session

from custom_components.rental_units.alerts.links import ANSWER_PATH
from custom_components.rental_units.alerts.models import Delivery
from custom_components.rental_units.alerts.runtime import engine_of
from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.care import Named
from custom_components.rental_units.app.consents import GiveConsent
from custom_components.rental_units.app.notices import GiveNotices
from custom_components.rental_units.app.places import IssueCodes, PutParty, SavePlace
from custom_components.rental_units.app.policy import (
    COMMANDS as TABLE_COMMANDS,
    IN_PERSON,
    TABLE,
    AccountRole,
    DataClass,
    Held,
    Permit,
    Scope,
    permit,
)
from custom_components.rental_units.app.search import Look, OpenCase, Watch
from custom_components.rental_units.app.visits import PutRound
from custom_components.rental_units.app.work import Command
from custom_components.rental_units.care.const import Turn
from custom_components.rental_units.care.visits.rules import Risk
from custom_components.rental_units.care_work import Desk, sources_of
from custom_components.rental_units.const import DOMAIN, ConsentScope, Reason
from custom_components.rental_units.desk.book import DATA_DESKS
from custom_components.rental_units.desk.const import How
from custom_components.rental_units.panel import STATIC_URL
from custom_components.rental_units.places.book import CODE_PATH, DATA_BOOKS
from custom_components.rental_units.places.const import PartyRole
from custom_components.rental_units.register import queries, refusals as counting
from custom_components.rental_units.register.models import Audit
from custom_components.rental_units.register.people import Contact
from custom_components.rental_units.reports.book import DATA_REPORTS
from custom_components.rental_units.reports.const import Category
from custom_components.rental_units.reports.models import ReportPhoto
from custom_components.rental_units.reports.photos import Photo
from custom_components.rental_units.reports.rows import New
from custom_components.rental_units.search.book import DATA_SEARCHES
from custom_components.rental_units.search.const import CaseKind
from custom_components.rental_units.search.rows import Subject
from custom_components.rental_units.storage.errors import RegisterError
from custom_components.rental_units.storage.vault import Vault
from custom_components.rental_units.transfer.views import PATH
from custom_components.rental_units.websocket.base import COMMANDS
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.helpers import area_registry as ar, device_registry as dr
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tests.common import impersonal

from .common import (
    E164,
    PHONE,
    account,
    administrator,
    call,
    check_in,
    device_id,
    unit_id,
)
from .panel import content, panel_of
from .reports.pictures import photo
from .scores.common import EXAMPLE, table

USER = "user"
CALLERS = (*sorted(AccountRole), USER)
OWN, OTHER = "1-1-101", "1-2-101"
#: How who asks is refused; any other error is about what is asked.
REFUSALS = {"needs_person", "needs_reason", "Unauthorized"}
#: Commands that are an action with more in its data, by that action.
WIDER = {"get_unit_revealed": "get_unit", "alert_beyond": "alert"}
#: Commands of the table that are no actions: forms and repairs of Home Assistant.
FORMS = {"unit_form", "responder_form", "erase_missing"}
#: And what widens some of them: searches that another has opened, entries and rounds of another.
FORMS |= {"any_case", "any_score_entry", "any_round"}
#: What the other integration asks (see test_community_safety).
SAFETY = {name for name in TABLE_COMMANDS if name.startswith("safety.")}
#: A month that is scored.
SCORED = {"month": dt_util.now().strftime("%Y-%m")}
#: What an answer must not hold but by a command of this class.
MARKS = {
    DataClass.REGISTER: "MARK-",
    DataClass.ADDRESS: "1 Mark Street",
    DataClass.CONTACT: E164,
}
#: Its address is signed for somebody, who is asked for first.
SIGNED = "/api/rental_units/sighting/{entry_id}/{token}"
#: Path and method of each view, and what it answers to anybody without a valid token: no
#: login opens them, and none closes them.
VIEWS = {
    ("/api/r/{token}", "GET"): HTTPStatus.GONE,
    ("/api/r/{token}", "POST"): HTTPStatus.GONE,
    ("/api/r/{token}/picture", "GET"): HTTPStatus.NOT_FOUND,
    ("/api/q/{token}", "GET"): HTTPStatus.GONE,
    ("/api/q/{token}/resident", "GET"): HTTPStatus.GONE,
    ("/api/q/{token}/resident", "POST"): HTTPStatus.GONE,
    ("/api/q/{token}/resident/visitors", "GET"): HTTPStatus.GONE,
    ("/api/q/{token}/resident/visitors", "POST"): HTTPStatus.GONE,
    ("/api/q/{token}/report", "GET"): HTTPStatus.GONE,
    ("/api/q/{token}/report", "POST"): HTTPStatus.GONE,
    ("/api/h/{token}", "GET"): HTTPStatus.GONE,
    ("/api/h/{token}", "POST"): HTTPStatus.GONE,
    ("/api/h/{token}/{photo_id}", "GET"): HTTPStatus.GONE,
    ("/api/rental_units/callback/{entry_id}/{token}", "POST"): HTTPStatus.FORBIDDEN,
    (SIGNED, "GET"): HTTPStatus.NOT_FOUND,
}
#: Views behind a login, what they answer to those who may, and by which command.
LOGIN_VIEWS = {
    (PATH, "GET"): ("export_register", HTTPStatus.OK),
    (PATH, "POST"): ("import_register", HTTPStatus.BAD_REQUEST),  # An empty file.
}
#: Commands of the table that only a panel's websocket has, and no action.
PANEL = {
    *(
        "get_person",
        "get_person_revealed",
        "find_people",
        "find_duplicates",
        "get_units",
    ),
    *("get_own_audit", "get_roster", "get_mine", "tell_again", "answer"),
    *("get_door_cards", "get_visitors"),
    *("get_places", "get_place", "save_place", "remove_place", "put_place_party"),
    *("remove_place_party", "print_codes", "revoke_code", "visit_place"),
    "reveal_at_place",
    *("get_report", "blur_photo", "remove_photo"),
    # Who is looked for is asked by a person who looks at the answer.
    *("open_case", "get_cases", "get_case", "search_sightings", "watch_case"),
    *("alert_case", "close_case", "export_case", "forget_sightings"),
    *("get_rounds", "get_round", "put_round", "end_round"),
    # How somebody lives is shown to a person, and changed by one.
    *("care_start", "care_change", "care_revoke", "care_list", "care_get"),
    *("care_close", "care_figures"),
    *("get_notices", "give_notice", "excuse_notice", "reopen_notice"),
    "export_notices",
    # What people have seen, and say of it.
    *("get_score_sheet", "add_score_entry", "withdraw_score_entry"),
    *("state_score_fact", "comment_score", "appeal_score", "decide_score_appeal"),
    *("export_notices", "get_desks", "check_in_at_desk", "get_arrivals"),
}
#: Commands about the queue of a desk.
DESKS = ("take_number", "call_number")
#: Websocket commands that answer with what is theirs, whatever that is, and refuse only
#: who may do it nowhere.
ANYWHERE = {
    *("places", "units", "search", "subscribe_response", "response"),
    *("roles", "grant_role", "revoke_role", "audit", "duplicates", "subscribe_roster"),
    *("roster_week", "reports", "notices", "rounds", "subscribe_faults"),
}


async def data_of(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    title: str,
    caller: MockUser | None = None,
) -> dict[str, dict[str, Any]]:
    """Return the data of each command, about what is in a unit; what can be one's own is the caller's."""
    device = {"device_id": device_id(hass, entry, title)}
    await call(hass, "update_unit", {**device, "address": MARKS[DataClass.ADDRESS]})
    people = [await check_in(hass, entry, title, name=f"MARK-{n}") for n in range(3)]
    unit = {"unit_id": unit_id(entry, title)}
    shown = await call(hass, "get_unit", {**device, "reason": "alarm"})
    lease = {"lease_id": shown["people"][0]["lease_id"], "reason": "inspection"}
    moved = await call(hass, "check_in", {**device, "name": "MARK-9"})
    alert = await call(hass, "alert", {**unit, "severity": "message", "message": "x"})
    of_entry = {"config_entry_id": entry.entry_id, "reason": "inspection"}
    file = {**of_entry, "file": "register.csv"}
    ids = {"alert_id": alert["alert_id"]}
    engine = engine_of(hass, entry.entry_id)
    assert engine
    got = Delivery(id="d", person_id=people[0], unit_id=unit["unit_id"])
    open_alert = engine.alerts[str(ids["alert_id"])]
    assert engine.helpers.call(open_alert, got)
    of_cards = await cards_of(hass, entry, device, people[0])
    of_round = await round_of(hass, entry, people[0], caller)
    reports = [await report_in(hass, entry, unit["unit_id"]) for _ in range(6)]
    why = {"reason": "inspection"}
    return {
        # While they are there.
        **of_cards,
        "request_visit": of_round,
        "record_visit": {**of_round, "outcome": "met", "no_scan": "no_plate"},
        "care_answer": {**device, "answer": "fine", **why},
        **{name: {**device, **why} for name in ("care_away", "care_pause")},
        "care_guests": {**device, **why},
        "get_reports": of_entry,
        "assign_report": {"report_id": reports[0], "party": "property", **why},
        "mend_report": {"report_id": reports[1], **why},
        "close_report": {"report_id": reports[2], **why},
        "reopen_report": {"report_id": reports[3], **why},
        "merge_reports": {"report_id": reports[4], "into_id": reports[5], **why},
        "get_score_catalogue": of_entry,
        "save_score_catalogue": {**of_entry, "catalogue": table()},
        "get_scores": of_entry,
        "put_score_counts": {
            **of_entry,
            "month": SCORED["month"],
            "kind": "disputes",
            "count": 1,
        },
        "open_score_sheet": {**of_entry, **SCORED},
        "freeze_score_sheet": {**of_entry, **SCORED},
        "check_in": {**device, "name": "MARK-NAME-2", "phone": "13800138002"},
        "get_unit": {**device, "reason": "alarm"},
        "get_unit_revealed": {**device, "reason": "alarm", "reveal": True},
        "update_contact": {"person_id": people[1], "language": "zh-Hans"},
        "verify_contacts": {
            "config_entry_id": entry.entry_id,
            "person_id": people[1],
        },
        "renew_lease": {**lease, "start": "2030-01-01", "end": "2031-01-01"},
        "correct_lease": {**lease, "end": "2032-01-01"},
        "move": {**lease, **device},
        "undo": {"command_id": moved["command_id"]},
        "merge_people": {"person_id": people[1], "duplicate_id": people[2]},
        "alert": {**unit, "severity": "message", "message": "y"},
        "alert_beyond": {
            **unit,
            "severity": "message",
            "message": "z",
            "audience": ["responders"],
        },
        "get_alerts": {"alert_id": alert["alert_id"]},
        "acknowledge_alert": ids,
        "close_help": {**ids, "note": "Seen to"},
        "cancel_alert": ids,
        "check_out": {**device, "person_id": people[0]},
        "add_unit": {**of_entry, "building": "7", "number": "1"},
        "update_unit": {**device, "rooms": 2},
        "export_register": file,
        "import_register": file,
        "get_audit": of_entry,
        "get_roles": of_entry,
        "get_files": of_entry,
        "give_consent": {
            "person_id": people[0],
            "scope": "inactivity",
            "contacts": [{"name": "MARK-C", "phone": "13800138007"}],
        },
        "get_consents": {"person_id": people[0]},
        "revoke_consent": {"person_id": people[0], "scope": "inactivity"},
        "rotate_key": of_entry,
        "grant_role": {**of_entry, "user_id": administrator(hass).id, "role": "desk"},
        "revoke_role": {**of_entry, "grant_id": "unknown"},
        "erase_person": {"person_id": people[1]},
        "remove_unit": {**device, "with_people": True},
        "restore_unit": {**of_entry, "unit_id": unit["unit_id"]},
        **{name: {**desk_of(hass, entry), **why} for name in DESKS},
    }


async def round_of(
    hass: HomeAssistant, entry: MockConfigEntry, person: str, caller: MockUser | None
) -> dict[str, Any]:
    """Let a caller be in charge of visits of somebody; return how they are named, with a reason."""
    application = application_of(hass, entry.entry_id)
    agreed = GiveConsent(person, ConsentScope.VISITS)
    await application.async_fill(agreed, None)
    vault = Vault(entry.runtime_data.keys)
    put = PutRound(person, Risk.HIGH, vault, caller.id if caller else None)
    await application.async_fill(put, None)
    return {"person_id": person, "reason": "inspection"}


def desk_of(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, str]:
    """Return the device of a desk."""
    if not entry.get_subentries_of_type("desk"):
        row = ConfigSubentry(
            data=MappingProxyType({"level": "1"}),
            subentry_type="desk",
            title="Desk",
            unique_id="desk",
        )
        hass.config_entries.async_add_subentry(entry, row)
    (desk,) = entry.get_subentries_of_type("desk")
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        config_subentry_id=desk.subentry_id,
        identifiers={(DOMAIN, desk.subentry_id)},
    )
    return {"device_id": device.id}


async def report_in(hass: HomeAssistant, entry: MockConfigEntry, unit: str) -> str:
    """Return a report about a unit."""
    book = hass.data[DATA_REPORTS][entry.entry_id]
    (place,) = (row.id for row in book.places.places.values() if row.unit_id == unit)
    before = set(book.reports)
    new = New(place, Category.WATER, False, "Seen", None, 1e9, 4e9)
    assert await book.async_file(new, [])
    (report_id,) = set(book.reports) - before
    return report_id


async def cards_of(
    hass: HomeAssistant, entry: MockConfigEntry, device: dict[str, Any], person: str
) -> dict[str, dict[str, Any]]:
    """Return the data of each command about cards and doors."""
    of_entry = {"config_entry_id": entry.entry_id, "reason": "inspection"}
    end = dt_util.now() + timedelta(days=1)
    visit = {"holder": "visitor", "end": end.isoformat()}
    number = itertools.count(int(device["device_id"][:8], 16))

    async def issued(**more: Any) -> dict[str, Any]:
        data = {"person_id": person, "card_number": str(next(number)), **more}
        answer = await call(hass, "issue_card", data)
        return {"card_id": answer["card_id"], "reason": "inspection"}

    async def visiting() -> dict[str, Any]:
        data = {**device, "name": "MARK-VISITOR", "end": end}
        answer = await call(hass, "invite_visitor", data)
        return {"card_id": answer["card_id"], "reason": "inspection"}

    suspended = await issued()
    await call(hass, "suspend_card", suspended)
    controller = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={("community_safety", "x")}
    )
    door = {**of_entry, "device_id": controller.id, "door": "1"}
    assigned = await call(hass, "assign_door", door)
    return {
        "request_card": {**device, **visit, "name": "MARK-VISITOR"},
        "issue_card": {
            **device,
            **visit,
            "name": "MARK-VISITOR",
            "card_number": str(next(number)),
        },
        "issue_plate": {
            **device,
            **visit,
            "name": "MARK-VISITOR",
            "plate": f"浙A{next(number) % 100_000:05}",
        },
        "suspend_card": await issued(),
        "resume_card": suspended,
        "lose_card": await issued(),
        "revoke_card": await issued(),
        "renew_card": {
            **await issued(**device, **visit),
            "end": visit["end"],
        },
        "get_cards": {"person_id": person, "reason": "inspection"},
        "get_card_doors": await issued(),
        "assign_door": {**door, "door": "2"},
        "remove_door": {**of_entry, "door_id": assigned["door_id"]},
        "get_doors": of_entry,
        "invite_visitor": {**device, "name": "MARK-VISITOR", "end": visit["end"]},
        "end_visit": await visiting(),
        # Who may wait for a card is told that there is none here to wait for.
        "read_card": {**of_entry, "device_id": device["device_id"], "door": "1"},
        "get_passages": {**of_entry, "device_id": controller.id},
    }


async def caller_of(
    hass: HomeAssistant, entry: MockConfigEntry, role: str
) -> tuple[MockUser | None, list[Held]]:
    """Return a user with a role, who has or lives in one unit, and the role."""
    if role == USER:
        return await account(hass, entry, USER), []
    kind = AccountRole(role)
    own = frozenset({unit_id(entry, OWN)})
    if kind is AccountRole.AUTOMATION:
        return None, [Held(kind)]
    if kind is AccountRole.ADMINISTRATOR:
        return administrator(hass), [Held(kind)]
    if not any(row.scope is Scope.OWN for row in TABLE[kind]):
        return await account(hass, entry, role), [Held(kind)]
    lease = "landlord" if kind is AccountRole.LANDLORD else "tenant"
    person = await check_in(hass, entry, OWN, name="MARK-OWN", role=lease)
    return await account(hass, entry, role, person), [Held(kind, own)]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("title", [OWN, OTHER])
@pytest.mark.parametrize("role", [row for row in CALLERS if row != "automation"])
async def test_actions_over_the_websocket(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    role: str,
    title: str,
) -> None:
    """A user may do exactly what the table gives to their role, in their units or in all.

    All of them are in the group Users, which may control every entity. What is refused
    changes nothing, and is in the audit.
    """
    actions = set(hass.services.async_services_for_domain(DOMAIN))
    assert actions == TABLE_COMMANDS.keys() - FORMS - SAFETY - PANEL - WIDER.keys()
    caller, held = await caller_of(hass, entry, role)
    assert caller
    data, unit = await data_of(hass, entry, title, caller), unit_id(entry, title)
    assert data.keys() == TABLE_COMMANDS.keys() - FORMS - SAFETY - PANEL
    token = await hass.auth.async_create_refresh_token(caller, "https://example.com/")
    client = await hass_ws_client(hass, hass.auth.async_create_access_token(token))
    done, wanted, told = {}, {}, {}
    for command in data:
        why = Reason(data[command].get("reason", Reason.MANAGEMENT))
        found = permit(held, command, why)
        wanted[command] = found is not None and (
            # Who has units is shown those of them.
            command == "get_reports" or found.covers({unit})
        )
        before = await entry.runtime_data.async_run(queries.counts)
        await client.send_json_auto_id(
            {
                "type": "call_service",
                "domain": DOMAIN,
                "service": WIDER.get(command, command),
                "service_data": data[command],
                "return_response": True,
            }
        )
        answer = await client.receive_json()
        error = answer.get("error", {})
        done[command] = not (
            {error.get("message"), error.get("translation_key")} & REFUSALS
            # It is shown what is theirs, and that may be nothing.
            or answer.get("result", {}).get("response") == {"alerts": []}
        )
        after = await entry.runtime_data.async_run(queries.counts)
        rows = {key for key in before if before[key] != after[key]} - {"audit"}
        assert done[command] or not rows, command
        told[command] = {row for row, mark in MARKS.items() if mark in repr(answer)}
        seen = TABLE_COMMANDS[command] if done[command] else set()
        assert told[command] <= seen, command
        if DataClass.REGISTER in told[command]:
            # Who may not be shown numbers is shown names as masks, whichever way they ask.
            full = permit(held, "get_person_revealed", why)
            assert full, command
            assert full.covers({unit}), command
    assert done == wanted
    assert told["get_unit_revealed"] == (
        MARKS.keys() if wanted["get_unit_revealed"] else set()
    )
    assert await refusals(entry, caller) == {
        f"{refused_by(command, wanted)}_refused"
        for command, allowed in wanted.items()
        if not allowed
    }


def refused_by(command: str, wanted: dict[str, bool]) -> str:
    """Return which command refuses: to alert beyond a unit is to alert it in any case."""
    return "alert" if command == "alert_beyond" and not wanted["alert"] else command


async def refusals(entry: MockConfigEntry, caller: MockUser) -> set[str]:
    """Return what somebody was refused, by the audit."""
    rows = await entry.runtime_data.async_run(queries.refusals)
    return {what for who, what in rows if who == caller.id}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_automations(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """An automation writes and alerts, and is shown nobody."""
    data, done = await data_of(hass, entry, OWN), {}
    for command in data:
        try:
            action = WIDER.get(command, command)
            await call(hass, action, data[command], user=None)
        except Unauthorized:
            done[command] = False
        except Exception as err:  # noqa: BLE001
            done[command] = getattr(err, "translation_key", "") not in REFUSALS
        else:
            done[command] = True
    held = [Held(AccountRole.AUTOMATION)]
    assert done == {row: permit(held, row) is not None for row in data}
    assert {row for row in done if done[row]} & IN_PERSON == set()


#: What the table must never come to say, whatever is added to it.
NEVER = {
    AccountRole.POLICE: TABLE_COMMANDS.keys()
    - {
        "get_unit",
        "get_person",
        "find_people",
        "get_units",
        "get_alerts",
        "get_roster",
        # What they bring, and who is registered where they stand.
        *("get_places", "get_place", "visit_place", "reveal_at_place"),
        *("get_reports", "get_report"),
        # Their own cases, and what follows from them for nobody but themselves.
        *("open_case", "get_cases", "get_case", "search_sightings", "watch_case"),
        *("close_case", "export_case"),
        *("get_score_catalogue", "get_scores", "comment_score"),
        # What they are to be told.
        "get_notices",
    },
    AccountRole.RESIDENT: TABLE_COMMANDS.keys()
    - {
        *("get_alerts", "get_mine", "answer"),
        # Of themselves.
        *("care_get", "care_answer", "care_away", "care_guests", "care_pause"),
    },
    AccountRole.INSTALLER: {
        row for row, classes in TABLE_COMMANDS.items() if classes - {DataClass.SAFETY}
    },
    AccountRole.AUTOMATION: {
        *("get_unit", "get_unit_revealed", *PANEL, *IN_PERSON),
        *(row for row, classes in TABLE_COMMANDS.items() if DataClass.CARD in classes),
    },
    AccountRole.LANDLORD: {
        # How their tenants live is nothing to them.
        *(row for row in TABLE_COMMANDS if row.startswith("care_")),
        *("alert_beyond", "tell_again", "safety.reset", "get_audit"),
        # Keys to the building are the property's to give.
        *("issue_card", "issue_plate", "resume_card", "renew_card", "assign_door"),
        *("remove_door", "get_doors", "get_door_cards"),
        # Nor do they say whose it is, or that it is none.
        *("assign_report", "close_report", "merge_reports", "remove_photo"),
        *("print_codes", "reveal_at_place", "read_card", "get_passages"),
        *("open_case", "get_cases", "get_case", "search_sightings", "forget_sightings"),
        # How their tenants are is not theirs to know.
        *(row for row, classes in TABLE_COMMANDS.items() if DataClass.CARE in classes),
        # What need not be told, they do not say.
        *("excuse_notice", "reopen_notice", "export_notices"),
    },
    AccountRole.DESK: {"get_rounds", "get_round", "put_round", "record_visit"},
    AccountRole.GRID_WORKER: {
        *("put_round", "end_round"),
        *("get_unit_revealed", "get_person_revealed"),
        *("care_start", "care_change", "care_revoke"),
        *("give_notice", "excuse_notice", "export_notices"),
        *("get_case", "search_sightings", "watch_case", "alert_case", "export_case"),
    },
    # It is judged, and does not judge itself.
    AccountRole.MANAGER: {"save_score_catalogue"},
    AccountRole.DUTY: {
        *("export_case", "forget_sightings", "care_start", "care_revoke"),
        *("put_round", "end_round"),
    },
    AccountRole.RESPONDER: {"any_round", "put_round", "end_round", "request_visit"},
    AccountRole.SUPERVISOR: {
        *("open_case", "get_case", "search_sightings", "get_rounds", "get_round"),
        *(row for row in TABLE_COMMANDS if row.startswith("care_")),
    },
    AccountRole.MANAGER: {
        *("save_score_catalogue", "add_score_entry", "withdraw_score_entry"),
        *("state_score_fact", "put_score_counts", "open_score_sheet"),
        *("decide_score_appeal", "freeze_score_sheet"),
    },
    AccountRole.SUPERVISOR: {"open_case", "get_case", "search_sightings"},
}


@pytest.mark.parametrize("role", NEVER)
def test_what_the_table_never_says(role: AccountRole) -> None:
    """Who is shown or may change nothing stays so."""
    own = [Held(role, frozenset({"own"}))]
    allowed = {row for row in TABLE_COMMANDS if permit(own, row, Reason.ALARM)}
    assert allowed & NEVER[role] == set()
    assert permit([], "get_unit", Reason.ALARM) is None


def test_each_role_is_in_the_table() -> None:
    """A role without a row is refused everything; one that is missing would be a fault."""
    assert TABLE.keys() == set(AccountRole)
    for role, rows in TABLE.items():
        for row in rows:
            assert row.commands <= TABLE_COMMANDS.keys()
            # A command whose data its row does not allow would be there in vain.
            for command in row.commands:
                assert TABLE_COMMANDS[command] <= row.classes, (role, command)


def test_what_needs_a_reason() -> None:
    """The police are shown a unit for a reason; management is none.

    Who passed at a door is shown to nobody without one.
    """
    for role in AccountRole:
        assert permit([Held(role)], "get_passages", Reason.MANAGEMENT) is None
    assert permit([Held(AccountRole.DUTY)], "get_passages", Reason.ALARM)
    police = [Held(AccountRole.POLICE)]
    assert permit(police, "get_unit", Reason.ALARM) == Permit(None)
    assert permit(police, "get_unit", Reason.MANAGEMENT) is None
    assert permit(police, "get_unit") is None


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_what_is_missing_is_said(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Who only lacks a reason is told so; who is no person, too."""
    officer = await account(hass, entry, "police")
    device = device_id(hass, entry, OWN)
    data = {"device_id": device, "reason": "management"}
    with pytest.raises(ServiceValidationError) as refusal:
        await call(hass, "get_unit", data, user=officer)
    assert refusal.value.translation_key == "needs_reason"
    for context in await impersonal(hass, administrator(hass)):
        with pytest.raises(ServiceValidationError) as refusal:
            await hass.services.async_call(
                DOMAIN,
                "erase_person",
                {"person_id": "x"},
                blocking=True,
                context=context,
            )
        assert refusal.value.translation_key == "needs_person"
    gone = MockUser(is_owner=True, is_active=False).add_to_hass(hass)
    with pytest.raises(Unauthorized):
        await call(hass, "get_unit", data, user=gone)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_notify_entities(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A notify entity, which every member of Users may control, texts nobody for them."""
    owner = await check_in(hass, entry, OWN, name="MARK-OWN", role="landlord")
    landlord = await account(hass, entry, "landlord", owner)
    callers = {
        "user": await account(hass, entry, USER),
        "police": await account(hass, entry, "police"),
        "landlord": landlord,
        "manager": await account(hass, entry, "manager"),
    }
    done = set()
    for entity in ("1_1_101_people", "1_2_101_people", "property_1_tenants"):
        for name, caller in callers.items():
            try:
                await hass.services.async_call(
                    "notify",
                    "send_message",
                    {"entity_id": f"notify.{entity}", "message": "x"},
                    blocking=True,
                    context=Context(user_id=caller.id),
                )
            except Unauthorized:
                continue
            done.add((name, entity))
    assert done == {
        ("landlord", "1_1_101_people"),
        ("manager", "1_1_101_people"),
        ("manager", "1_2_101_people"),
        ("manager", "property_1_tenants"),
    }


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_alert_beyond_the_unit(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A landlord's alert reaches the unit, and not the neighbours or the fire post."""
    owner = await check_in(hass, entry, OWN, name="MARK-OWN", role="landlord")
    landlord = await account(hass, entry, "landlord", owner)
    about = {"unit_id": unit_id(entry, OWN), "severity": "message", "message": "x"}
    for audience in (["responders"], ["tenants", "neighbours"]):
        with pytest.raises(Unauthorized):
            await call(hass, "alert", {**about, "audience": audience}, user=landlord)
    answer = await call(hass, "alert", about, user=landlord)
    engine = engine_of(hass, entry.entry_id)
    assert engine
    assert set(engine.alerts[answer["alert_id"]].audiences) == {"tenants", "landlord"}
    # An area without a unit is the property's.
    area = ar.async_get(hass).async_create("Shed").id
    with pytest.raises(Unauthorized):
        await call(hass, "alert", {"area_id": area, "message": "x"}, user=landlord)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_refused_alerts_are_in_the_audit(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Who asks for another's alert learns nothing of it, and the supervisor that they asked."""
    owner = await check_in(hass, entry, OWN, name="MARK-OWN", role="landlord")
    landlord = await account(hass, entry, "landlord", owner)
    other = {"unit_id": unit_id(entry, OTHER)}
    alert = await call(hass, "alert", {**other, "severity": "message", "message": "x"})
    named = {"alert_id": alert["alert_id"]}
    assert await call(hass, "get_alerts", named, user=landlord) == {"alerts": []}
    # To look without naming one is no such question.
    assert await call(hass, "get_alerts", {}, user=landlord) == {"alerts": []}
    for action, data in (("cancel_alert", named), ("alert", {**other, "message": "y"})):
        with pytest.raises(Unauthorized):
            await call(hass, action, data, user=landlord)
    own = {"unit_id": unit_id(entry, OWN), "audience": ["responders"]}
    with pytest.raises(Unauthorized):
        await call(hass, "alert", {**own, "message": "z"}, user=landlord)
    supervisor = await account(hass, entry, "supervisor")
    asked = {"config_entry_id": entry.entry_id, "user_id": landlord.id}
    answer = await call(
        hass, "get_audit", {**asked, "reason": "inspection"}, user=supervisor
    )
    assert [
        (row["what"], row["unit_id"])
        for row in reversed(answer["audit"])
        if row["why"] == "refused"
    ] == [
        ("get_alerts_refused", other["unit_id"]),
        ("cancel_alert_refused", other["unit_id"]),
        ("alert_refused", other["unit_id"]),
        ("alert_beyond_refused", own["unit_id"]),
    ]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_refusal_of_many_units(
    hass: HomeAssistant, entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One call about a whole property is no way to fill the audit."""
    monkeypatch.setattr(counting, "MOST_UNITS", 2)
    police = await account(hass, entry, "police")
    all_units = {"unit_id": list(entry.runtime_data.units), "message": "x"}
    with pytest.raises(Unauthorized):
        await call(hass, "alert", all_units, user=police)
    rows = await entry.runtime_data.async_run(queries.refusals)
    assert [what for _, what in rows] == ["alert_refused"] * 2


async def test_refusals_of_a_minute(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who asks and asks is written down at once, then counted: nobody waits for that."""
    monkeypatch.setattr(counting, "MOST_UNITS", 2)
    user, register = await account(hass, entry, USER), entry.runtime_data
    writes, run = 0, register.async_run

    async def count(work: Any) -> Any:
        nonlocal writes
        writes += "Refusals" in getattr(work, "__qualname__", "")
        return await run(work)

    monkeypatch.setattr(register, "async_run", count)

    async def ask(title: str, times: int) -> None:
        data = {"device_id": device_id(hass, entry, title), "reason": "request"}
        for _ in range(times):
            with pytest.raises(Unauthorized):
                await call(hass, "get_unit", data, user=user)

    async def counted() -> list[tuple[str, int]]:
        query = select(Audit).where(Audit.who == user.id)
        rows = await run(lambda session: list(session.scalars(query)))
        titles = {row.id: row.title for row in register.units.values()}
        # Rows of one moment are in no order.
        return sorted(
            ((titles[row.unit_id], row.times) for row in rows),
            key=lambda row: -row[1],
        )

    await ask(OWN, 100)
    assert (writes, await counted()) == (1, [(OWN, 1)])
    await ask(OTHER, 50)
    # There is no room for a third one: it is counted.
    await ask("1-1-102", 1)
    assert writes == 1
    freezer.tick(61)
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert await counted() == [(OWN, 101), (OTHER, 50)]

    # What follows is another minute's; an end writes it, and what could not be written.
    async def fail(*_: Any) -> None:
        raise RegisterError("register_locked")

    monkeypatch.setattr(register, "async_run", fail)
    await ask(OWN, 2)
    monkeypatch.setattr(register, "async_run", run)
    await ask(OTHER, 1)
    await hass.config_entries.async_reload(entry.entry_id)
    register = entry.runtime_data
    run = register.async_run
    assert await counted() == [(OWN, 101), (OTHER, 50), (OWN, 2), (OTHER, 1)]
    asked = {"config_entry_id": entry.entry_id, "user_id": user.id}
    answer = await call(hass, "get_audit", asked)
    assert max(row["times"] for row in answer["audit"]) == 101


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_actions_without_login(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client_no_auth: Any
) -> None:
    """Who is not logged in can call nothing."""
    await async_setup_component(hass, "api", {})
    client = await hass_client_no_auth()
    data = await data_of(hass, entry, OWN)
    for command, fields in data.items():
        action = WIDER.get(command, command)
        answer = await client.post(f"/api/services/{DOMAIN}/{action}", json=fields)
        assert answer.status == HTTPStatus.UNAUTHORIZED


async def headers_of(
    hass: HomeAssistant, entry: MockConfigEntry, caller: str
) -> dict[str, str]:
    """Return the headers of a caller's requests."""
    if caller == "anonymous":
        return {}
    who, _ = await caller_of(hass, entry, caller)
    assert who
    token = await hass.auth.async_create_refresh_token(who, "https://example.com/")
    return {"Authorization": f"Bearer {hass.auth.async_create_access_token(token)}"}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("caller", [row for row in CALLERS if row != "automation"])
async def test_views_behind_a_login(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_client_no_auth: Any,
    caller: str,
) -> None:
    """Who may not is told nothing, not even if there is such a property."""
    client = await hass_client_no_auth()
    headers = await headers_of(hass, entry, caller)
    held = [Held(AccountRole(caller))] if caller != USER else []
    for (path, method), (command, status) in LOGIN_VIEWS.items():
        for entry_id, answered, may in (
            (entry.entry_id, status, permit(held, command) is not None),
            ("none", HTTPStatus.BAD_REQUEST, caller == "administrator"),
        ):
            where = path.format(entry_id=entry_id)
            response = await client.request(method, where, headers=headers)
            assert response.status == (answered if may else HTTPStatus.UNAUTHORIZED)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("role", [row for row in CALLERS if row != "automation"])
async def test_forms(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client_no_auth: Any, role: str
) -> None:
    """A form is Home Assistant's administrators': so says its settings, and so our table."""
    assert await async_setup_component(hass, "config", {})
    client = await hass_client_no_auth()
    headers = await headers_of(hass, entry, role)
    held = [Held(AccountRole(role))] if role != USER else []
    for path, handler in (
        ("subentries/flow", [entry.entry_id, "responder"]),
        ("options/flow", entry.entry_id),
        ("flow", DOMAIN),
    ):
        where = f"/api/config/config_entries/{path}"
        answer = await client.post(where, headers=headers, json={"handler": handler})
        assert (answer.status == HTTPStatus.OK) is (
            permit(held, "responder_form") is not None
        )
        assert answer.status in (HTTPStatus.OK, HTTPStatus.UNAUTHORIZED)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_page_of_a_link(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client_no_auth: Any
) -> None:
    """Who has a link is shown its alert and unit: no name, no number, no street."""
    await data_of(hass, entry, OWN)
    script = {"provider": "script", "script": "script.own"}
    hass.config_entries.async_update_entry(entry, options={"channels": {"sms": script}})
    await hass.async_block_till_done()
    await call(hass, "alert", {"unit_id": unit_id(entry, OWN), "hazard": "smoke"})
    await hass.async_block_till_done(wait_background_tasks=True)
    engine = engine_of(hass, entry.entry_id)
    assert engine
    client = await hass_client_no_auth()
    assert engine.dispatcher.by_token
    for token in engine.dispatcher.by_token:
        for method, form in (("GET", None), ("POST", {"answer": "safe"})):
            where = f"{ANSWER_PATH}/{token}"
            page = await client.request(method, where, data=form)
            text = await page.text()
            assert page.status == HTTPStatus.OK
            assert not [mark for mark in (*MARKS.values(), PHONE) if mark in text]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("caller", ["administrator", "police", USER, "anonymous"])
async def test_views(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_client_no_auth: Any,
    caller: str,
) -> None:
    """Only a valid token opens a view, whoever holds it."""
    routes = {
        (route.resource.canonical, route.method)
        for route in hass.http.app.router.routes()
        if route.resource
        and (
            DOMAIN in (path := route.resource.canonical)
            or path.startswith((f"{ANSWER_PATH}/", f"{CODE_PATH}/", "/api/h/"))
        )
    }
    # The code of the pages is everybody's.
    public = {(STATIC_URL, method) for method in ("GET", "OPTIONS")}
    assert {row for row in routes if row[1] != "HEAD"} - {
        (path, "OPTIONS") for path, _ in (*VIEWS, *LOGIN_VIEWS)
    } - public == {*VIEWS, *LOGIN_VIEWS}
    client = await hass_client_no_auth()
    headers = await headers_of(hass, entry, caller)
    engine = engine_of(hass, entry.entry_id)
    assert engine
    for (path, method), refused in VIEWS.items():
        where = path.format(entry_id=entry.entry_id, token="nonsense", photo_id="x")
        answer = await client.request(method, where, headers=headers)
        if path == SIGNED and caller == "anonymous":
            assert answer.status == HTTPStatus.UNAUTHORIZED
            continue
        assert answer.status == refused
        other = path.format(
            entry_id="nobody", token=engine.links.report_token(), photo_id="x"
        )
        answer = await client.request(method, other, headers=headers)
        assert answer.status in (HTTPStatus.GONE, HTTPStatus.NOT_FOUND)
    report = (
        f"/api/rental_units/callback/{entry.entry_id}/{engine.links.report_token()}"
    )
    assert (await client.post(report, headers=headers, data="[]")).status == 200


async def test_commands(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Each websocket command has its row in the table; a session is one's own."""
    registered = {name for name in hass.data["websocket_api"] if DOMAIN in name}
    assert registered == {
        f"{DOMAIN}/{name}" for name in (*COMMANDS, "session", "subscribe_session")
    }
    named = {key for row in COMMANDS.values() for key in row.table}
    assert named <= TABLE_COMMANDS.keys()
    assert named >= PANEL


def panel_data(data: dict[str, dict[str, Any]], unit: str) -> dict[str, dict[str, Any]]:
    """Return the data of each websocket command, about what is in a unit."""
    alert = {"alert_id": data["acknowledge_alert"]["alert_id"]}
    person = {"person_id": data["update_contact"]["person_id"]}
    lease = {"lease_id": data["renew_lease"]["lease_id"], "unit_id": unit}
    why = {"reason": "inspection"}
    file = {"content": content("building,stairwell,number\n")}
    return {
        **panel_cards(data, unit),
        "units": why,
        "places": {},
        "unit": {"unit_id": unit, **why},
        "person": {**person, **why},
        "reveal": {**person, **why},
        "search": {"query": "mark", **why},
        "duplicates": why,
        "check_in": {"unit_id": unit, "name": "MARK-8", "confirmed": True},
        "check_out": {"unit_id": unit, "person_id": data["check_out"]["person_id"]},
        "renew_lease": {**lease, "start": "2030-01-01", "end": "2031-01-01"},
        "correct_lease": {**lease, "end": "2032-01-01"},
        "move": {**lease, "to_unit_id": unit},
        "undo": data["undo"],
        "update_person": {**person, "language": "zh-Hans"},
        "update_unit": {"unit_id": unit, "rooms": 2},
        "subscribe_response": {},
        "response": {"alert_ids": [alert["alert_id"]]},
        "response_names": {**alert, **why},
        "tell_again": alert,
        "answer": {**alert, "unit_id": unit, "answer": "safe"},
        "subscribe_mine": {"unit_id": unit},
        "mine_history": {"unit_id": unit},
        "close_help": {
            **alert,
            "calls": "everyone",
            "note": "Seen to",
            "outcome": "safe",
        },
        "subscribe_roster": {},
        "roster_week": {},
        "drill_told": {},
        "subscribe_faults": {},
        "audit": why,
        "roles": {},
        "grant_role": {
            "user_id": data["grant_role"]["user_id"],
            "role": data["grant_role"]["role"],
        },
        "revoke_role": {"grant_id": "unknown"},
        "session_as": {"user_id": data["grant_role"]["user_id"]},
        "import_preview": file,
        "import_apply": {**file, "digest": "none"},
        "consents": person,
        "give_consent": {**person, "scope": "photos"},
        "revoke_consent": {**person, "scope": "photos"},
        "verify_contacts": person,
        "merge_people": data["merge_people"],
        "left": {"unit_id": unit},
        "add_unit": {"building": "8", "number": "1"},
        "remove_unit": {"unit_id": unit, "with_people": True},
        "removed_units": {},
        "restore_unit": {"unit_id": unit},
        **panel_rounds(data),
        "erase_person": person,
        "score_catalogue": {},
        "save_score_catalogue": {"content": EXAMPLE, "dry_run": False},
        "scores": {},
        "score_sheet": SCORED,
        "add_score_entry": {**SCORED, "criterion": "no_patrol"},
        "withdraw_score_entry": {"entry": "unknown"},
        "state_score_fact": {**SCORED, "criterion": "disputes", "left_out": True},
        "put_score_counts": {**SCORED, "kind": "disputes", "count": 1},
        "open_score_sheet": SCORED,
        "comment_score": {**SCORED, "note": "x"},
        "decide_score_appeal": {
            "comment": "unknown",
            "outcome": "accepted",
            "note": "x",
        },
        "freeze_score_sheet": SCORED,
    }


def panel_rounds(data: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the data of the commands about rounds, about somebody's."""
    person = data["request_visit"]
    return {
        "rounds": {"reason": "inspection"},
        "round": person,
        "round_form": person,
        "put_round": {**person, "risk": "key"},
        "request_visit": person,
        "record_visit": data["record_visit"],
        "end_round": person,
    }


def panel_cards(
    data: dict[str, dict[str, Any]], unit: str
) -> dict[str, dict[str, Any]]:
    """Return the data of the commands about cards and doors."""
    visit = {
        key: value
        for key, value in data["issue_card"].items()
        if key not in ("device_id", "card_number")
    }
    visit["unit_id"] = unit
    names = (
        *("suspend_card", "resume_card", "lose_card", "revoke_card", "renew_card"),
        "end_visit",
        "remove_door",
    )
    door = {key: data["assign_door"][key] for key in ("device_id", "door")}
    return {
        "cards": data["get_cards"],
        "card_doors": data["get_card_doors"],
        "issue_card": {**visit, "card_number": data["issue_card"]["card_number"]},
        "issue_plate": {**visit, "plate": data["issue_plate"]["plate"]},
        "request_card": visit,
        **{
            name: {
                key: value
                for key, value in data[name].items()
                if key != "config_entry_id"
            }
            for name in names
        },
        "doors": {},
        "door_cards": {"device_id": door["device_id"]},
        "visitors": {"unit_id": unit},
        "invite_visitor": {
            "unit_id": unit,
            "name": "MARK-VISITOR",
            "end": data["invite_visitor"]["end"],
        },
        "assign_door": door,
        "read_card": {
            key: value
            for key, value in data["read_card"].items()
            if key != "config_entry_id"
        },
        "passages": {"device_id": door["device_id"], "reason": "inspection"},
    }


async def places_of(
    hass: HomeAssistant, entry: MockConfigEntry, unit: str
) -> dict[str, dict[str, Any]]:
    """Return the data of the commands about places, about that of a unit."""
    hass.config.external_url = "https://home.example.cn"
    book = hass.data[DATA_BOOKS][entry.entry_id]
    application = application_of(hass, entry.entry_id)

    async def do(command: Command[Any]) -> Any:
        return await application.async_fill(command, None)

    (own,) = (row.id for row in book.places.values() if row.unit_id == unit)
    shed, roof = [
        await do(SavePlace({"kind": "shared_place", "name": name}))
        for name in ("Shed", "Roof")
    ]
    party = PutParty(shed, Contact("MARK-PARTY", E164), PartyRole.OWNER)
    party_id = await do(party)
    codes = await do(IssueCodes([own, roof], book.new_token))
    why = {"reason": "inspection"}
    return {
        "place_list": why,
        "place": {"place_id": own, **why},
        "rounds_at_place": {"place_id": own, **why},
        "reveal_at_place": {"code": codes[0].token, **why},
        "save_place": {"place_id": own, "storey": 1},
        "put_place_party": {"place_id": own, "name": "MARK-2", "phone": PHONE},
        "remove_place_party": {"party_id": party_id},
        "visit_place": {"place_id": own, "finding": "in_order", **why},
        "revoke_code": {"place_id": roof},
        "print_codes": {"place_ids": [roof]},
        "remove_place": {"place_id": shed},
    }


async def reports_of(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    unit: str,
    data: dict[str, dict[str, Any]],
) -> dict[str, dict[str, Any]]:
    """Return the data of the commands about reports, about those of a unit."""
    book = hass.data[DATA_REPORTS][entry.entry_id]
    (place,) = (row.id for row in book.places.places.values() if row.unit_id == unit)
    jpeg = Photo(b"no photo", 1, 1, "f" * 16)
    new = New(place, Category.GAS, False, "Seen", None, 1e9, 4e9)
    assert await book.async_file(new, [jpeg, jpeg])

    def photos(session: Session) -> list[str]:
        return list(session.scalars(select(ReportPhoto.id)))

    shown, removed = await entry.runtime_data.async_run(photos)
    why = {"reason": "inspection"}
    report = {"report_id": data["assign_report"]["report_id"], **why}
    return {
        "reports": why,
        "report": report,
        "report_photo": {"photo_id": shown, **why},
        "blur_photo": {"photo_id": shown, "boxes": [[0, 0, 1, 1]], **why},
        "remove_photo": {"photo_id": removed, **why},
        **{
            name: data[name]
            for name in (
                *("assign_report", "mend_report", "close_report", "reopen_report"),
                "merge_reports",
            )
        },
    }


async def searches_of(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    data: dict[str, dict[str, Any]],
    caller: MockUser,
) -> dict[str, dict[str, Any]]:
    """Return the data of the commands about a caller's searches, about somebody in a unit."""
    book = hass.data[DATA_SEARCHES][entry.entry_id]
    application = application_of(hass, entry.entry_id)
    person_id = data["update_contact"]["person_id"]
    said = Subject(subject="MARK-LOST", description="Red", authority="110")

    async def opened() -> str:
        command = OpenCase(book.vault, CaseKind.LOST_CHILD, said, person_id)
        return await application.async_fill(command, caller.id)

    case, over = [{"case_id": await opened()} for _ in range(2)]
    look = Look(case["case_id"], book.vault, {"category": "person"})
    shown = await application.async_fill(look, None)
    number = {"plate": "浙A0T1K9"}
    await application.async_fill(Watch(case["case_id"], book.vault, watch=False), None)
    return {
        "search_cases": {},
        "subscribe_search_cases": {},
        "open_search_case": {"kind": "vehicle", "authority": "110", **number},
        "search_case": case,
        "search_sightings": {**case, **number},
        "search_picture": {
            **case,
            "deed_id": shown["deed_id"],
            "device_id": "camera",
            "door": "1",
            "event_id": "sight 1790000000.5-abcdef",
        },
        "watch_search_case": {**case, "watch": False},
        "attach_search_picture": {**case, "photo": b64encode(photo()).decode()},
        "search_case_picture": case,
        "alert_search_case": case,
        "export_search": {**case, "deed_id": shown["deed_id"], "format": "csv"},
        "close_search_case": {**over, "outcome": "found"},
        "forget_sightings": {"person_id": data["merge_people"]["person_id"]},
    }


async def care_of(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    title: str,
    data: dict[str, dict[str, Any]],
    caller: MockUser,
) -> dict[str, dict[str, Any]]:
    """Return the data of the commands about watches, over people in a unit.

    Who lives there and asks is watched themselves: of the others they are told nothing.
    """
    hass.states.async_set("binary_sensor.motion", "off")
    unit, why = unit_id(entry, title), {"reason": "inspection"}
    sources = [{"entity_id": "binary_sensor.motion", "kind": "inside", "how": "on"}]
    contacts = [Named(Contact("MARK-C", E164), Turn.RELATIVES)]
    application = application_of(hass, entry.entry_id)
    desk = Desk(hass, application, Context(user_id=administrator(hass).id))
    own = [
        who for part, who in application.own(caller).get(unit, ()) if part == "tenant"
    ]
    people = [*own, data["check_out"]["person_id"]]
    others = [
        await check_in(hass, entry, title, name=f"MARK-W{number}", phone=None)
        for number in range(2)
    ]
    heard = sources_of(hass, sources, cards=False)
    watch, over = [
        await desk.async_start(person_id, unit, heard, contacts)
        for person_id in (people[0], others[0])
    ]
    of = {"watch_id": watch, **why}
    return {
        "care_watches": why,
        "subscribe_care": why,
        "care_watch": of,
        "care_proposals": {"unit_id": unit, **why},
        "care_start": {
            "person_id": others[1],
            "unit_id": unit,
            "sources": sources,
            "contacts": [{"name": "MARK-C2", "phone": "13800138007"}],
            **why,
        },
        "care_change": {**of, "sensitivity": "early"},
        "care_answer": {**of, "answer": "fine"},
        "care_away": of,
        "care_pause": {**of, "until": None},
        "care_guests": {**of, "until": None},
        "care_close": {**of, "outcome": "real"},
        "care_revoke": {"watch_id": over, **why},
        "care_figures": why,
    }


async def notices_of(
    hass: HomeAssistant, entry: MockConfigEntry, unit: str
) -> dict[str, dict[str, Any]]:
    """Return the data of the commands about what is to be told of a unit."""
    desk = hass.data[DATA_DESKS][entry.entry_id]
    given, excused, reopened, *_ = [row.id for row in desk.due if row.unit_id == unit]
    application = application_of(hass, entry.entry_id)
    await application.async_fill(GiveNotices({reopened: 1}, How.REGISTERED, "1"), None)
    return {
        "notices": {"reason": "inspection"},
        "give_notice": {"notices": {given: 1}, "how": "registered", "receipt": "2"},
        "excuse_notice": {"notice_id": excused, "version": 1, "excuse": "relative"},
        "reopen_notice": {"notice_id": reopened, "version": 2},
        "export_notices": {},
        "notice_exports": {},
        "subscribe_desks": {},
        **{name: {"desk_id": "unknown"} for name in DESKS},
        "check_in_at_desk": {
            "unit_id": unit,
            "name": "MARK-7",
            "confirmed": True,
            "identified": True,
            "briefed": True,
        },
        "arrivals": {},
    }


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("title", [OWN, OTHER])
@pytest.mark.parametrize("role", [row for row in CALLERS if row != "automation"])
async def test_panel(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    role: str,
    title: str,
) -> None:
    """A panel may do exactly what the table gives to its user's role.

    No number is in an answer but in that of a reveal, and no name in those to who may not
    reveal; what is refused changes nothing, and is in the audit.
    """
    caller, held = await caller_of(hass, entry, role)
    assert caller
    unit = unit_id(entry, title)
    made = await data_of(hass, entry, title, caller)
    data = panel_data(made, unit)
    data |= await places_of(hass, entry, unit)
    data |= await reports_of(hass, entry, unit, made)
    # Before who is looked for is erased, and who has come is gone.
    data = await notices_of(hass, entry, unit) | data
    data = await searches_of(hass, entry, made, caller) | data
    data = await care_of(hass, entry, title, made, caller) | data
    assert data.keys() == COMMANDS.keys()
    panel = await panel_of(hass, entry, hass_ws_client, caller)
    done, wanted = {}, {}
    for command, fields in data.items():
        why = Reason(fields.get("reason", Reason.MANAGEMENT))
        found = permit(held, COMMANDS[command].table[0], why)
        wanted[command] = found is not None and (
            command in ANYWHERE or found.covers({unit})
        )
        before = await entry.runtime_data.async_run(queries.counts)
        # Each on a connection's own: an event of one is no answer to the next.
        answer = await panel.ask(command, **fields)
        while answer["type"] == "event":
            answer = await panel.client.receive_json()
        error = answer.get("error", {})
        done[command] = not (
            {error.get("message"), error.get("translation_key")} & REFUSALS
        )
        after = await entry.runtime_data.async_run(queries.counts)
        rows = {key for key in before if before[key] != after[key]} - {"audit"}
        assert done[command] or not rows, command
        said = repr(answer)
        full = permit(held, "get_person_revealed", why)
        if command == "reveal_at_place":
            # To who stands there.
            assert (E164 in said) is wanted[command]
            continue
        assert command == "reveal" or E164 not in said, command
        # Whoever may look at a search has to know who is looked for.
        is_named = full or command == "search_case"
        assert "MARK-" not in said or (is_named and wanted[command]), command
        if command.startswith("subscribe_") and done[command]:
            event = await panel.event()
            assert event["kind"] == "snapshot"
            assert not [mark for mark in MARKS.values() if mark in repr(event)]
            await panel.client.send_json_auto_id(
                {"type": "unsubscribe_events", "subscription": answer["id"]}
            )
            while (await panel.client.receive_json())["type"] == "event":
                pass
    assert done == wanted
    assert await refusals(entry, caller) == {
        f"{COMMANDS[command].table[0]}_refused"
        for command, allowed in wanted.items()
        if not allowed
    }
