"""Who may what, who has done what, and who is on duty."""

from collections.abc import Iterable
from functools import partial
import time
from typing import Any

import voluptuous as vol

from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.util import dt as dt_util

from ..app.accounts import GIVEN, OF_A_PERSON, GetRoles, GrantRole, RevokeRole
from ..app.policy import AccountRole
from ..app.reading import GetAudit
from ..app.work import refused
from ..const import SUBENTRY_RESPONDER, Reason
from ..register.roster import gaps
from ..register.week import WEEK, Span, async_plan, uncovered
from ..storage.errors import RegisterError
from .base import REASON, Ask, command
from .feed import Feed
from .session import property_of

#: Audit rows of one page, and days that are looked back if nobody says since when.
PAGE, MOST_PAGE = 100, 500
AUDIT_DAYS = 30


# Roles


@command("roles", REASON, "get_roles")
async def roles(ask: Ask) -> dict[str, Any]:
    """List who has which role, in which units (null: everywhere) and until when; the roles, and the accounts that may be given one."""
    rows: list[dict[str, Any]] = await ask.async_do(GetRoles())
    held_in = ask.application.held_in
    users = [
        {"user_id": user.id, "name": user.name, "is_admin": user.is_admin}
        for user in await ask.hass.auth.async_get_users()
        if user.is_active and not user.system_generated
    ]
    return {
        "roles": [
            {**row, "units": held_in(row["role"], row["person_id"])} for row in rows
        ],
        "accounts": users,
        "kinds": [
            {"role": str(role), "of_a_person": role in OF_A_PERSON} for role in GIVEN
        ],
    }


@command(
    "grant_role",
    {
        vol.Required("user_id"): cv.string,
        vol.Required("role"): vol.Coerce(AccountRole),
        vol.Optional("person_id"): cv.string,
        vol.Optional("until"): cv.date,
        **REASON,
    },
    "grant_role",
)
async def grant_role(ask: Ask) -> dict[str, Any]:
    """Give an account a role, until a day or until it is taken, or say that day anew; landlords and residents with the person that they are."""
    data = ask.data
    if await ask.hass.auth.async_get_user(data["user_id"]) is None:
        raise refused("no_such_user")
    grant_id = await ask.async_do(
        GrantRole(
            data["user_id"], data["role"], data.get("person_id"), data.get("until")
        )
    )
    await ask.application.async_read_grants()
    return {"grant_id": grant_id}


@command("revoke_role", {vol.Required("grant_id"): cv.string, **REASON}, "revoke_role")
async def revoke_role(ask: Ask) -> dict[str, Any]:
    """Take a role from an account."""
    await ask.async_do(RevokeRole(ask.data["grant_id"]))
    await ask.application.async_read_grants()
    return {"grant_id": ask.data["grant_id"]}


@command("session_as", {vol.Required("user_id"): cv.string, **REASON}, "get_roles")
async def session_as(ask: Ask) -> dict[str, Any]:
    """Tell what an account is offered in a property, as its own session would, and whether Home Assistant lets it read and control everything."""
    await ask.async_do(GetRoles())
    user = await ask.hass.auth.async_get_user(ask.data["user_id"])
    if user is None:
        raise refused("no_such_user")
    return {
        "property": property_of(ask.application, user),
        "reads_all": user.permissions.access_all_entities(POLICY_READ),
        "controls_all": user.permissions.access_all_entities(POLICY_CONTROL),
    }


# The audit


@command(
    "audit",
    {
        vol.Optional("since"): vol.Coerce(float),
        vol.Optional("until"): vol.Coerce(float),
        vol.Optional("person_id"): cv.string,
        vol.Optional("unit_id"): cv.string,
        vol.Optional("user_id"): cv.string,
        vol.Optional("about"): vol.In([*Reason, "refused"]),
        vol.Optional("own", default=False): cv.boolean,
        vol.Optional("offset", default=0): cv.positive_int,
        vol.Optional("limit", default=PAGE): vol.All(
            cv.positive_int, vol.Range(min=1, max=MOST_PAGE)
        ),
        **REASON,
    },
    "get_audit",
    "get_own_audit",
)
async def audit(ask: Ask) -> dict[str, Any]:
    """List who read or changed what, newest first, or what was refused; with `own`, one's own deeds.

    Times are Unix times. The next page has the `until` of the answer and a larger offset.
    """
    data = ask.data
    until = data.get("until", time.time())
    since = data.get("since", until - AUDIT_DAYS * 86_400)
    rows = await ask.async_do(
        GetAudit(
            since,
            until,
            data.get("person_id"),
            data.get("unit_id"),
            data.get("user_id"),
            data.get("about"),
            data["offset"],
            # One more tells if there is another page.
            data["limit"] + 1,
            data["own"],
        )
    )
    shown: list[dict[str, Any]] = [dict(row) for row in rows[: data["limit"]]]
    return {
        "rows": [{**row, "unit": ask.title(row["unit_id"] or "")} for row in shown],
        "more": len(rows) > len(shown),
        "since": since,
        "until": until,
        "accounts": await ask.async_accounts([row["who"] for row in shown]),
    }


# The roster


@command("subscribe_roster", {}, "get_roster")
async def subscribe_roster(ask: Ask) -> Feed:
    """Tell who is on duty, by duties and not by names, and which duty nobody covers."""
    await ask.application.async_authorize(ask.context, "get_roster", units=None)
    _ensure_people(ask)
    register = ask.application.register
    schedules = set(filter(None, _schedules(ask).values()))

    def follow(changed: CALLBACK_TYPE) -> CALLBACK_TYPE:
        return async_track_state_change_event(
            ask.hass, schedules, callback(lambda _event: changed())
        )

    return Feed(ask, partial(_roster, ask), [register.phonebook.listen, follow])


def _ensure_people(ask: Ask) -> None:
    """Raise RegisterError until it is read who there is: that is not nobody."""
    if not ask.application.register.phonebook.is_known:
        raise RegisterError("property_not_loaded")


def _roster(ask: Ask) -> dict[str, Any] | None:
    if ask.application.permit(ask.user, "get_roster") is None:
        return None
    register = ask.application.register
    rows = register.phonebook.posts()
    found = gaps(rows)
    schedules = _schedules(ask)
    return {
        duty: {
            "duty": duty,
            "gap": "unreachable"
            if duty in found.unreachable
            else "off"
            if duty in found.off
            else None,
            "posts": [
                {
                    "post": row.key,
                    "title": row.title,
                    "schedule": schedules.get(row.key),
                    "on": row.is_on,
                    "reachable": row.is_reachable,
                }
                for row in rows
                if row.duty == duty
            ],
        }
        for duty in dict.fromkeys(row.duty for row in rows)
    }


def _schedules(ask: Ask) -> dict[str, str | None]:
    """Return by what each post is on duty: None, always."""
    return {
        row.subentry_id: row.data.get("schedule")
        for row in ask.application.register.entry.get_subentries_of_type(
            SUBENTRY_RESPONDER
        )
    }


@command("roster_week", {}, "get_roster")
async def roster_week(ask: Ask) -> dict[str, Any]:
    """Tell who is to be on duty in the next seven days, by duties, and when nobody is.

    Of a post whose plan is not known before, `on` is null.
    """
    await ask.application.async_authorize(ask.context, "get_roster", units=None)
    _ensure_people(ask)
    first = dt_util.now()
    last = first + WEEK
    rows, schedules = ask.application.register.phonebook.posts(), _schedules(ask)
    plans = {
        row.key: await async_plan(ask.hass, schedules.get(row.key), first, last)
        for row in rows
    }
    found = uncovered(rows, plans, first, last)
    return {
        "from": first.timestamp(),
        "until": last.timestamp(),
        "duties": [
            {
                "duty": duty,
                "gaps": _times(found.get(duty, ())),
                "posts": [
                    {
                        "post": row.key,
                        "title": row.title,
                        "reachable": row.is_reachable,
                        "on": None
                        if (plan := plans[row.key]) is None
                        else _times(plan),
                    }
                    for row in rows
                    if row.duty == duty
                ],
            }
            for duty in dict.fromkeys(row.duty for row in rows)
        ],
    }


def _times(spans: Iterable[Span]) -> list[list[float]]:
    return [[begin.timestamp(), end.timestamp()] for begin, end in spans]
