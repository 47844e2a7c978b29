"""The one table of who may do what: role × command × data class. What is not in it is refused.

A Home Assistant user has the roles that an administrator of Home Assistant has given them
in this property, and none by itself; its administrators are administrators here. Nothing
comes from a group such as *Users*, or from a permission on an entity.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ..const import Reason


class AccountRole(StrEnum):
    """What a principal is to a property."""

    ADMINISTRATOR = "administrator"
    INSTALLER = "installer"
    MANAGER = "manager"
    DUTY = "duty"
    DESK = "desk"
    GRID_WORKER = "grid_worker"
    COMMUNITY_OFFICE = "community_office"
    LANDLORD = "landlord"
    RESIDENT = "resident"
    RESPONDER = "responder"
    MEDIATOR = "mediator"
    COUNSELLOR = "counsellor"
    SUPERVISOR = "supervisor"
    POLICE = "police"
    #: Nobody in person: an automation, or a script that one has started.
    AUTOMATION = "automation"


class DataClass(StrEnum):
    """Kinds of data by how much they tell."""

    #: Units, who is in them, and until when.
    REGISTER = "register"
    #: Where a unit is, as the authorities write it.
    ADDRESS = "address"
    #: How somebody is reached.
    CONTACT = "contact"
    #: Cards and plates, by their last digits, and which doors open for whom.
    CARD = "card"
    #: Places, their position and their plates: no person, and no address.
    PLACE = "place"
    #: Reports of hazards: what, where and until when, no person.
    REPORT = "report"
    #: What somebody wrote of a hazard, and photos of it: there may be people in them.
    PHOTO = "photo"
    #: Desks, and the numbers of their queues.
    DESK = "desk"
    #: Alerts: units and figures, no person.
    ALERT = "alert"
    #: Who has read or changed what.
    AUDIT = "audit"
    #: Who may do what.
    AUTHORITY = "authority"
    #: The devices of the other integration.
    SAFETY = "safety"
    SIGHTINGS = "sightings"
    #: Searches: who is looked for, why, and by whose number.
    CASE = "case"
    #: Scores of the property: criteria, figures and points, no person.
    SCORE = "score"
    CARE = "care"
    SEALED = "sealed"


_REGISTER: Final = frozenset({DataClass.REGISTER})
_CONTACT: Final = frozenset({DataClass.CONTACT})
_PERSON: Final = _REGISTER | _CONTACT
_ALL: Final = _PERSON | {DataClass.ADDRESS}
_UNIT: Final = _REGISTER | {DataClass.ADDRESS}
_CARD: Final = frozenset({DataClass.CARD})
_PLACE: Final = frozenset({DataClass.PLACE})
_REPORT: Final = frozenset({DataClass.REPORT})
_PHOTO: Final = frozenset({DataClass.REPORT, DataClass.PHOTO})
_CASE: Final = frozenset({DataClass.CASE})
_SCORE: Final = frozenset({DataClass.SCORE})
_CARE: Final = frozenset({DataClass.CARE})
_CARED: Final = _REGISTER | _CARE
_PASSAGES: Final = _REGISTER | _CARD | {DataClass.SIGHTINGS}
_DESK: Final = frozenset({DataClass.DESK})
_ALERT: Final = frozenset({DataClass.ALERT})
_SAFETY: Final = frozenset({DataClass.SAFETY})
_AUTHORITY: Final = frozenset({DataClass.AUTHORITY})

#: Each command, with the data that it shows or changes.
COMMANDS: Final[Mapping[str, frozenset[DataClass]]] = {
    "check_in": _PERSON,
    "check_out": _REGISTER,
    "renew_lease": _REGISTER,
    "correct_lease": _REGISTER,
    "move": _REGISTER,
    "undo": _REGISTER,
    "update_contact": _CONTACT,
    "verify_contacts": _CONTACT,
    "merge_people": _PERSON,
    "erase_person": _ALL | {DataClass.SEALED},
    "give_consent": _PERSON | _CARE,
    "revoke_consent": _CARE,
    "get_consents": _CARED,
    "get_unit": _REGISTER | {DataClass.ADDRESS},
    "get_unit_revealed": _ALL,
    "get_person": _REGISTER,
    "get_person_revealed": _ALL,
    "find_people": _REGISTER,
    "find_duplicates": _PERSON,
    "get_units": _REGISTER,
    "unit_form": _ALL,
    "add_unit": _UNIT,
    "update_unit": _UNIT,
    "remove_unit": _UNIT,
    "restore_unit": _UNIT,
    "erase_missing": _ALL | {DataClass.SEALED},
    "responder_form": _CONTACT,
    #: Cards of a file are issued.
    "import_register": _ALL | _CARD,
    "export_register": _ALL,
    "get_files": _ALL,
    "rotate_key": frozenset({DataClass.SEALED}),
    "get_audit": frozenset({DataClass.AUDIT}),
    "get_own_audit": frozenset({DataClass.AUDIT}),
    "grant_role": _AUTHORITY,
    "revoke_role": _AUTHORITY,
    "get_roles": _AUTHORITY,
    "request_card": _PERSON | _CARD,
    "issue_card": _PERSON | _CARD,
    "issue_plate": _PERSON | _CARD,
    "suspend_card": _CARD,
    "resume_card": _CARD,
    "lose_card": _CARD,
    "revoke_card": _CARD,
    "renew_card": _CARD,
    "get_cards": _CARD,
    "get_visitors": _REGISTER | _CARD,
    "get_card_doors": _CARD,
    "assign_door": _CARD,
    "remove_door": _CARD,
    "get_doors": _CARD,
    "get_door_cards": _REGISTER | _CARD,
    "get_places": _PLACE,
    "get_place": _PLACE | _UNIT,
    "save_place": _PLACE | {DataClass.ADDRESS},
    "remove_place": _PLACE | {DataClass.ADDRESS},
    "put_place_party": _PLACE | _PERSON,
    "remove_place_party": _PLACE | _PERSON,
    "print_codes": _PLACE | {DataClass.ADDRESS},
    "revoke_code": _PLACE,
    "visit_place": _PLACE,
    #: Only of the unit whose plate was scanned: of where one stands.
    "reveal_at_place": _PLACE | _ALL,
    "get_reports": _REPORT,
    "get_report": _PHOTO,
    "assign_report": _REPORT,
    "mend_report": _PHOTO,
    "close_report": _REPORT,
    "reopen_report": _REPORT,
    "merge_reports": _PHOTO,
    "blur_photo": _PHOTO,
    "remove_photo": _PHOTO,
    "invite_visitor": _PERSON | _CARD,
    "end_visit": _CARD,
    "read_card": _REGISTER | _CARD,
    #: Who was where: nobody is shown that without saying why, whoever they are.
    "get_passages": _PASSAGES,
    #: Nor is it without a case: see app/search.py.
    "search_sightings": _PASSAGES | _CASE,
    "export_case": _PASSAGES | _CASE,
    "open_case": _CASE,
    "get_cases": _CASE,
    "get_case": _REGISTER | _CASE,
    "watch_case": _CASE,
    "alert_case": _CASE | _ALERT,
    "close_case": _CASE,
    #: Those of others too: else a case is for who has opened it.
    "any_case": _CASE,
    "forget_sightings": frozenset({DataClass.SIGHTINGS}),
    "get_score_catalogue": _SCORE,
    "get_scores": _SCORE,
    #: What people have written of it too, which is not about anybody: but there may be
    #: somebody in it, as in a photo.
    "get_score_sheet": _SCORE | {DataClass.PHOTO},
    "add_score_entry": _SCORE | {DataClass.PHOTO},
    "withdraw_score_entry": _SCORE,
    #: Those of others too.
    "any_score_entry": _SCORE,
    "state_score_fact": _SCORE,
    "put_score_counts": _SCORE,
    "open_score_sheet": _SCORE,
    "comment_score": _SCORE | {DataClass.PHOTO},
    "appeal_score": _SCORE | {DataClass.PHOTO},
    "decide_score_appeal": _SCORE | {DataClass.PHOTO},
    "freeze_score_sheet": _SCORE,
    "save_score_catalogue": _SCORE,
    #: How somebody lives is in it: see app/care.py.
    "care_start": _PERSON | _CARE,
    "care_change": _PERSON | _CARE,
    "care_revoke": _CARE,
    "care_list": _REGISTER | _CARE,
    "care_get": _REGISTER | _CARE,
    "care_answer": _CARE,
    "care_away": _CARE,
    "care_pause": _CARE,
    "care_guests": _CARE,
    "care_close": _CARE,
    #: How often, and nobody.
    "care_figures": _CARE,
    "get_notices": _REGISTER,
    "give_notice": _REGISTER,
    "excuse_notice": _REGISTER,
    "reopen_notice": _REGISTER,
    "export_notices": _ALL,
    "get_rounds": _CARED,
    "get_round": _CARED,
    "put_round": _CARED,
    "end_round": _CARE,
    "record_visit": _CARE,
    "request_visit": _CARE,
    #: Those of others too: else a round is for who is in charge of it.
    "any_round": _CARE,
    "get_desks": _DESK,
    "take_number": _DESK,
    "call_number": _DESK,
    "check_in_at_desk": _PERSON | _CARD,
    "get_arrivals": _REGISTER,
    "alert": _ALERT,
    "alert_beyond": _ALERT,
    "acknowledge_alert": _ALERT,
    "cancel_alert": _ALERT,
    "close_help": _ALERT,
    "get_alerts": _ALERT,
    "tell_again": _ALERT,
    "answer": _ALERT,
    "get_mine": _ALERT,
    "get_roster": _ALERT,
    "safety.acknowledge": _SAFETY,
    "safety.reset": _SAFETY,
    "safety.cut_off": _SAFETY,
    "safety.restore": _SAFETY,
    "safety.silence": _SAFETY,
    "safety.shelve": _SAFETY,
    "safety.self_test": _SAFETY,
    "safety.release": _SAFETY,
    "safety.open_door": _SAFETY,
    "safety.configure": _SAFETY,
    #: Who has done what about an incident, and what was written about it: there are
    #: people in it.
    "safety.read": _REGISTER,
}
#: Nobody does these without a reason, and *management* is none.
FOR_A_REASON: Final = frozenset({"get_passages"})
#: Only a person does these, never an automation.
IN_PERSON: Final = frozenset(
    {
        "merge_people",
        "erase_person",
        "give_consent",
        "remove_unit",
        "erase_missing",
        "import_register",
        "export_register",
        "get_files",
        "rotate_key",
        "invite_visitor",
        "close_help",
        "tell_again",
        "answer",
        "get_audit",
        "get_own_audit",
        "grant_role",
        "revoke_role",
        "get_roles",
        "print_codes",
        "visit_place",
        "reveal_at_place",
        "get_report",
        "blur_photo",
        "remove_photo",
        "search_sightings",
        "export_case",
        "open_case",
        "get_cases",
        "get_case",
        "watch_case",
        "alert_case",
        "close_case",
        "forget_sightings",
        *("get_score_sheet", "add_score_entry", "withdraw_score_entry"),
        *("state_score_fact", "comment_score", "appeal_score", "decide_score_appeal"),
        "save_score_catalogue",
        "care_start",
        "care_change",
        "care_list",
        "care_get",
        "care_close",
        "care_figures",
        "give_notice",
        "excuse_notice",
        "reopen_notice",
        "export_notices",
        "get_rounds",
        "get_round",
        "put_round",
        "end_round",
        "record_visit",
    }
)


class Scope(StrEnum):
    """Where a role holds."""

    PROPERTY = "property"
    #: The units that a person of the register has or lives in.
    OWN = "own"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: commands that a role may carry out, and on which data."""

    classes: frozenset[DataClass]
    commands: frozenset[str]
    scope: Scope = Scope.PROPERTY
    #: Why must be said, and *management* is no reason.
    needs_reason: bool = False


def _row(
    classes: Collection[DataClass],
    *commands: str,
    scope: Scope = Scope.PROPERTY,
    needs_reason: bool = False,
) -> Row:
    return Row(frozenset(classes), frozenset(commands), scope, needs_reason)


_LEASES: Final = (
    *("check_in", "check_out", "renew_lease", "correct_lease", "move", "undo"),
    "update_contact",
)
_UNITS: Final = ("add_unit", "update_unit", "remove_unit", "restore_unit")
_CONSENTS: Final = ("give_consent", "revoke_consent", "get_consents")
#: What somebody says who is watched, or who has heard it of them.
_STATES: Final = ("care_answer", "care_away", "care_guests", "care_pause")
_SEES_TO: Final = ("care_list", "care_get", *_STATES, "care_close", "care_figures")
_WATCHES: Final = ("care_start", "care_change", "care_revoke", *_SEES_TO)
_SEEN: Final = ("get_unit", "get_person", "find_people")
_READS: Final = (*_SEEN, "get_unit_revealed", "get_person_revealed")
_ALERTS: Final = ("alert", "acknowledge_alert", "cancel_alert", "get_alerts")
_DUTIES: Final = (*_ALERTS, "alert_beyond", "close_help", "tell_again", "get_roster")
_MINE: Final = ("get_mine", "answer")
_SEES_CARDS: Final = ("get_cards", "get_card_doors")
_CARDS: Final = (
    *("request_card", "issue_card", "issue_plate", "suspend_card", "resume_card"),
    *("lose_card", "revoke_card", "renew_card", "read_card", *_SEES_CARDS),
)
_VISITORS: Final = ("invite_visitor", "get_visitors", "end_visit")
_SEES_DOORS: Final = ("get_doors", "get_door_cards")
_DOORS: Final = ("assign_door", "remove_door", *_SEES_DOORS)
_PLACES: Final = (
    *("get_places", "get_place", "save_place", "remove_place", "put_place_party"),
    *("remove_place_party", "print_codes", "revoke_code", "visit_place"),
)
_TRIAGE: Final = (
    *("get_reports", "get_report", "assign_report", "mend_report", "close_report"),
    *("reopen_report", "merge_reports", "blur_photo", "remove_photo"),
)
#: What somebody does who mends, or looks if it is mended.
_MENDS: Final = ("get_reports", "get_report", "mend_report", "reopen_report")
#: What somebody does who looks for a person or a vehicle.
_SEARCH: Final = (
    *("open_case", "get_cases", "get_case", "search_sightings", "watch_case"),
    "close_case",
)
#: What somebody does who visits people at home, where it is not only theirs.
_GOES_ROUND: Final = (
    *("get_rounds", "get_round", "record_visit", "request_visit", "any_round"),
)
_ROUNDS: Final = (*_GOES_ROUND, "put_round", "end_round")
_SOUGHT: Final = _PASSAGES | _CASE | _ALERT
_JUDGED: Final = _SCORE | {DataClass.PHOTO}
_SEES_SCORES: Final = ("get_score_catalogue", "get_scores")
#: What those do who judge a property: it does not judge itself.
_SCORES: Final = (
    *(*_SEES_SCORES, "save_score_catalogue", "get_score_sheet", "add_score_entry"),
    *("withdraw_score_entry", "any_score_entry", "state_score_fact"),
    *("put_score_counts", "open_score_sheet", "comment_score"),
    *("decide_score_appeal", "freeze_score_sheet"),
)
#: What has to be told to an authority.
_NOTICES: Final = ("get_notices", "give_notice", "excuse_notice", "reopen_notice")
#: What somebody does who sits at a desk.
_DESKS: Final = (
    *("get_desks", "take_number", "call_number"),
    *("check_in_at_desk", "get_arrivals"),
)
#: What somebody does who comes to a door.
_VISITS: Final = ("get_places", "get_place", "visit_place")
_INCIDENT: Final = (
    "safety.acknowledge",
    "safety.reset",
    "safety.cut_off",
    "safety.restore",
    "safety.silence",
    "safety.shelve",
    "safety.self_test",
    "safety.release",
    "safety.open_door",
)

TABLE: Final[Mapping[AccountRole, tuple[Row, ...]]] = {
    AccountRole.ADMINISTRATOR: (_row(DataClass, *COMMANDS),),
    AccountRole.INSTALLER: (
        _row(_SAFETY, "safety.self_test", "safety.silence", "safety.configure"),
    ),
    AccountRole.MANAGER: (
        _row(_ALL, *_LEASES, *_READS, *_UNITS, "merge_people", "verify_contacts"),
        _row(_PERSON | _CARE, *_CONSENTS, *_WATCHES),
        _row(_ALL | _CARD, "find_duplicates", "get_units", "import_register"),
        _row(_PERSON | _CARD, *_CARDS, *_VISITORS, *_DOORS),
        _row(_ALL | _PLACE, *_PLACES),
        _row(_PHOTO, *_TRIAGE),
        _row(_ALL, *_NOTICES, "export_notices"),
        _row(_PERSON | _CARD | _DESK, *_DESKS),
        _row(_PASSAGES, "get_passages", "forget_sightings"),
        _row(_SOUGHT, *_SEARCH, "any_case", "alert_case", "export_case"),
        _row(
            _JUDGED,
            *(*_SEES_SCORES, "get_score_sheet", "comment_score", "appeal_score"),
        ),
        _row(_CARED, *_ROUNDS),
        _row({DataClass.AUDIT}, "get_own_audit"),
        _row(_ALERT, *_DUTIES),
        _row(_SAFETY, *_INCIDENT),
        _row(_REGISTER, "safety.read"),
    ),
    AccountRole.DUTY: (
        _row(_ALL, *_READS, needs_reason=True),
        _row(_REGISTER, "get_units"),
        # Who has lost a card at night calls.
        _row(_CARD, "suspend_card", "lose_card", *_SEES_CARDS, needs_reason=True),
        _row(_PLACE, "get_places", "revoke_code", "visit_place"),
        _row(_UNIT | _PLACE, "get_place", needs_reason=True),
        _row(_PHOTO, *_MENDS, "assign_report"),
        # And who has found one brings it.
        _row(_REGISTER | _CARD, "read_card", needs_reason=True),
        _row(_PASSAGES, "get_passages"),
        _row(_SOUGHT, *_SEARCH, "any_case", "alert_case"),
        # Who is told at night that somebody shows no sign of life.
        _row(_REGISTER | _CARE, *_SEES_TO, needs_reason=True),
        _row(_CARED, *_GOES_ROUND, needs_reason=True),
        _row(_ALERT, *_DUTIES),
        _row(_SAFETY, *_INCIDENT),
        _row(_REGISTER, "safety.read"),
    ),
    AccountRole.DESK: (
        _row(_ALL, *_LEASES, *_READS, "verify_contacts", "get_units"),
        _row(_ALL | _CARD, "import_register"),
        _row(_PERSON | _CARE, *_CONSENTS),
        _row(_PERSON | _CARD, *_CARDS, *_VISITORS, *_SEES_DOORS),
        _row(_UNIT | _PLACE, *_VISITS, "print_codes", "revoke_code"),
        _row(_PHOTO, *_TRIAGE),
        _row(_ALL, *_NOTICES, "export_notices"),
        _row(_PERSON | _CARD | _DESK, *_DESKS),
        _row(_ALERT, "get_alerts", "close_help", "get_roster"),
        _row(_REGISTER, "safety.read"),
    ),
    AccountRole.GRID_WORKER: (
        _row(_UNIT, *_SEEN, "get_units", needs_reason=True),
        _row(_UNIT | _PLACE, *_VISITS, needs_reason=True),
        _row(_ALL | _PLACE, "reveal_at_place", needs_reason=True),
        _row(_PHOTO, *_MENDS, needs_reason=True),
        _row(_REGISTER | _CARE, *_SEES_TO, needs_reason=True),
        _row(_REGISTER, "get_notices", needs_reason=True),
        # Who is on the spot says that somebody is missing; who is on duty looks.
        _row(_CASE, "open_case", "get_cases"),
        _row(
            _JUDGED,
            *(*_SEES_SCORES, "get_score_sheet", "add_score_entry"),
            *("withdraw_score_entry", "comment_score"),
        ),
        _row(_CARED, *_GOES_ROUND, needs_reason=True),
        _row(_ALERT, "get_alerts"),
    ),
    AccountRole.COMMUNITY_OFFICE: (
        _row(_UNIT, *_SEEN, "get_units", needs_reason=True),
        _row(_UNIT | _PLACE, *_VISITS, needs_reason=True),
        _row(_REPORT, "get_reports"),
        _row(_JUDGED, *_SCORES),
        _row(_PERSON | _CARE, *_WATCHES, needs_reason=True),
        _row(_REGISTER, "get_notices", needs_reason=True),
        _row(_CARED, *_ROUNDS, needs_reason=True),
        _row(_ALERT, "get_alerts"),
    ),
    AccountRole.LANDLORD: (
        _row(_ALL, *_LEASES, *_READS, "get_units", scope=Scope.OWN),
        # It is theirs to tell.
        _row(_REGISTER, "get_notices", "give_notice", scope=Scope.OWN),
        _row(
            _PERSON | _CARD,
            *("request_card", "lose_card", *_SEES_CARDS, *_VISITORS),
            scope=Scope.OWN,
        ),
        _row(_PHOTO, *_MENDS, scope=Scope.OWN),
        _row(_ALERT, *_ALERTS, *_MINE, scope=Scope.OWN),
        _row(
            _SAFETY,
            "safety.cut_off",
            "safety.restore",
            "safety.open_door",
            scope=Scope.OWN,
        ),
    ),
    AccountRole.RESIDENT: (
        _row(_ALERT, "get_alerts", *_MINE, scope=Scope.OWN),
        # For themselves alone, and not for who lives with them: see app/care.py.
        _row(_REGISTER | _CARE, "care_get", *_STATES, scope=Scope.OWN),
    ),
    AccountRole.RESPONDER: (
        _row(_ALERT, "get_alerts", "acknowledge_alert", "get_roster"),
        # What the duty officer writes down is for who goes in.
        _row(_REGISTER, "safety.read"),
        # Whom they are in charge of, and nobody else.
        _row(_CARED, "get_rounds", "get_round", "record_visit"),
    ),
    # Their cases and rosters come with features of their own.
    AccountRole.MEDIATOR: (),
    AccountRole.COUNSELLOR: (),
    AccountRole.SUPERVISOR: (
        _row({DataClass.AUDIT}, "get_audit", needs_reason=True),
        _row(_CASE, "get_cases"),
        _row(_SCORE, *_SEES_SCORES),
        _row(_ALERT, "get_alerts"),
    ),
    # They change nothing but what they bring themselves: a visit, and a case of theirs.
    AccountRole.POLICE: (
        _row(_UNIT, *_SEEN, "get_units", needs_reason=True),
        _row(_UNIT | _PLACE, *_VISITS, needs_reason=True),
        _row(_ALL | _PLACE, "reveal_at_place", needs_reason=True),
        _row(_PHOTO, "get_reports", "get_report", needs_reason=True),
        _row(_REGISTER, "get_notices", needs_reason=True),
        _row(_SOUGHT, *_SEARCH, "export_case"),
        _row(_JUDGED, *_SEES_SCORES, "comment_score"),
        _row(_ALERT, "get_alerts", "get_roster"),
    ),
    # It writes what a booking or a sensor tells it, and is shown nobody.
    AccountRole.AUTOMATION: (
        _row(_PERSON, "check_in", "check_out", "renew_lease", "update_contact"),
        _row(_CONTACT, "verify_contacts"),
        # A button for a number, and one for the next.
        _row(_DESK, "take_number", "call_number"),
        _row(_REPORT, "get_reports", "assign_report"),
        # Figures that another system has, and what follows from the day it is.
        _row(
            _SCORE,
            *(*_SEES_SCORES, "put_score_counts"),
            *("open_score_sheet", "freeze_score_sheet"),
        ),
        # A button at the bed, or at the door.
        _row(_CARE, *_STATES),
        _row(_CARE, "request_visit"),
        _row(_ALERT, *_ALERTS, "alert_beyond"),
        _row(_SAFETY, "safety.acknowledge", "safety.cut_off", "safety.silence"),
    ),
}


@dataclass(frozen=True, slots=True)
class Held:
    """A role that somebody has; with the units that are theirs, where it is for those."""

    role: AccountRole
    own: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Permit:
    """That a command may be carried out, and in which units; None: in all."""

    units: frozenset[str] | None

    def covers(self, unit_ids: Collection[str] | None) -> bool:
        """Return if all of these units are in it; None: the property as a whole."""
        return self.units is None or (
            unit_ids is not None and self.units.issuperset(unit_ids)
        )


def rows(role: AccountRole, command: str) -> Iterator[Row]:
    """Return the rows by which a role may carry out a command."""
    for row in TABLE[role]:
        if command in row.commands and COMMANDS[command] <= row.classes:
            yield row


def permit(
    held: Collection[Held], command: str, why: Reason | None = None
) -> Permit | None:
    """Return what these roles allow together; None for nothing.

    Without a reason, what needs one is not allowed.
    """
    units: set[str] = set()
    is_allowed = False
    for one in held:
        for row in rows(one.role, command):
            needs_reason = row.needs_reason or command in FOR_A_REASON
            if needs_reason and why in (None, Reason.MANAGEMENT):
                continue
            if row.scope is Scope.PROPERTY:
                return Permit(None)
            is_allowed = True
            units |= one.own
    return Permit(frozenset(units)) if is_allowed else None


def lacks_reason(held: Collection[Held], command: str, why: Reason | None) -> bool:
    """Return if only a reason is missing."""
    return (
        permit(held, command, why) is None
        and permit(held, command, Reason.ALARM) is not None
    )
