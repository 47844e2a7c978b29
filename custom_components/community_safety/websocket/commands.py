"""The commands of the panel. Times are Unix times in seconds."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
import time
from typing import Any

import voluptuous as vol

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
from homeassistant.components import websocket_api
from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
from homeassistant.helpers import (
    area_registry as ar,
    config_validation as cv,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
)

from ..actions import Caller
from ..const import DOMAIN, Severity
from ..core.alarm import Alarm, Cause, Outcome, ShelfReason
from ..core.alarms import LEAST_SHELVED_SECONDS, MOST_SHELVED_SECONDS
from ..core.authority import Action
from ..core.disconnect import Checked, Result
from ..core.house import DATA_HOUSE
from ..core.incidents import Incident
from ..core.latches import LeftReason, OpeningReason
from ..core.orders import Order, OrderReason
from ..plans import DATA_PLANS
from ..services import nothing_in_target
from ..target import Found, find_alarm_events, find_commands, find_supplies, may
from .devices import Devices, Places
from .doors import DoorFeed, async_orders, door_of, readable
from .feed import Subscription
from .history import async_day, async_incident, async_page
from .rows import Reader, supplies_kept_off, supplies_to_cut, supplies_to_restore

#: What a person may type, in characters; and the least that says anything.
MOST_TEXT = 500
LEAST_COMMENT = 4
#: Alarms of an incident that is over, in one answer.
MOST_PAST = 500
#: Devices that are tested by one order.
MOST_TESTED = 200
#: What the one on duty ticks off in a fire (GB 25201-2010 5.3).
STEPS = ("verified", "called_119", "plan_started", "head_informed")

_TEXT = vol.All(cv.string, vol.Strip, vol.Length(min=1, max=MOST_TEXT))
_INCIDENT = {vol.Required("incident_id"): cv.string}
_DOOR = {vol.Required("door_id"): cv.string}
_SUPPLY = {vol.Required("device_id"): cv.string, vol.Required("supply"): cv.string}
#: Alarms of an incident by id with their severity, as the person has seen them.
_SEEN = {**_INCIDENT, vol.Required("alarms"): {cv.string: vol.Coerce(Severity)}}

#: One device, or those of a drill.
_DEVICES = vol.All(cv.ensure_list, [cv.string], vol.Length(min=1, max=MOST_TESTED))

type Message = dict[str, Any]
type Deed = Callable[[Ask], Awaitable[dict[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class Ask:
    """One message of one user; its fields are valid."""

    hass: HomeAssistant
    connection: ActiveConnection
    number: int
    data: Message

    @property
    def caller(self) -> Caller:
        """Return who may do what the user may."""
        return Caller(self.hass, Context(user_id=self.connection.user.id))

    def subscribe(self, only: str | None = None) -> None:
        """Tell of incidents, once this message is answered."""
        Subscription(self.hass, self.connection, self.number, only).begin()


#: What Home Assistant looks at itself. What it refuses it writes into its log, with the
#: words of people: so the fields are looked at here.
MESSAGE = vol.Schema(
    {vol.Required("id"): cv.positive_int, vol.Required("type"): cv.string},
    extra=vol.ALLOW_EXTRA,
)
COMMANDS: dict[str, websocket_api.WebSocketCommandHandler] = {}


def _command(name: str, fields: dict[Any, Any] | None = None) -> Callable[[Deed], Deed]:
    """Make a command of a deed; it answers what the deed returns.

    What a person did wrong is an answer, and no error in the log.
    """
    schema = vol.Schema(fields or {})

    def decorate(deed: Deed) -> Deed:
        @websocket_api.async_response
        @wraps(deed)
        async def handle(
            hass: HomeAssistant, connection: ActiveConnection, msg: Message
        ) -> None:
            number = msg["id"]
            data = {key: msg[key] for key in msg.keys() - {"id", "type"}}
            try:
                answer = await deed(Ask(hass, connection, number, schema(data)))
            except vol.Invalid as err:
                first = err.errors[0] if isinstance(err, vol.MultipleInvalid) else err
                field = ".".join(map(str, first.path))
                connection.send_error(
                    number, websocket_api.ERR_INVALID_FORMAT, f"Invalid: {field}"
                )
            except HomeAssistantError as err:
                if not err.translation_key:
                    raise
                connection.send_error(
                    number,
                    websocket_api.ERR_HOME_ASSISTANT_ERROR,
                    str(err),
                    translation_domain=err.translation_domain,
                    translation_key=err.translation_key,
                    translation_placeholders=err.translation_placeholders,
                )
            else:
                connection.send_result(number, answer)

        COMMANDS[f"{DOMAIN}/{name}"] = handle
        return deed

    return decorate


@_command("session")
async def _session(ask: Ask) -> dict[str, Any]:
    """Tell in which areas the user may do what; null is everywhere.

    For what a panel offers: what is done is asked for again where it is done.
    """
    user = ask.connection.user
    rights = await ask.hass.data[DATA_HOUSE].authority.async_rights(user)
    # What is read is offered nowhere: it is there, or it is not.
    del rights[Action.READ]
    areas = _controllable(ask.hass, user)
    return {
        "rights": {
            action: given
            if areas is None
            else sorted(areas if given is None else areas.intersection(given))
            for action, given in rights.items()
        },
        "doors": any(True for _item in readable(ask.hass, Reader(user))),
    }


@_command("subscribe_incidents")
async def _subscribe_incidents(ask: Ask) -> None:
    """Send all incidents that are not over, and then what changes."""
    ask.subscribe()


@_command("incident", _INCIDENT)
async def _incident(ask: Ask) -> None:
    """Send one incident with its timelines, and then what changes."""
    ask.subscribe(ask.data["incident_id"])


@_command("map")
async def _map(ask: Ask) -> None:
    """Send how many devices are in which area, and again whenever that changes."""
    Places(ask.hass, ask.connection, ask.number).begin()


@_command("plans")
async def _plans(ask: Ask) -> dict[str, Any]:
    """Tell which floors have a plan or a position, and of which the user may set them."""
    hass, user = ask.hass, ask.connection.user
    if not user.permissions.access_all_entities(POLICY_READ):
        return {"plans": [], "positions": {}, "may": []}
    rights = await hass.data[DATA_HOUSE].authority.async_rights(user)
    reader = Reader(user, rights)
    may = [
        floor_id
        for floor_id in fr.async_get(hass).floors
        if user.permissions.access_all_entities(POLICY_CONTROL)
        and (areas := _areas_of(hass, floor_id))
        and reader.has(Action.CONFIGURE, areas)
    ]
    plans = hass.data[DATA_PLANS]
    return {
        "plans": await plans.async_floors(),
        "positions": await plans.async_positions(),
        "may": sorted(may),
    }


@_command("plan", {vol.Required("floor_id"): cv.string})
async def _plan(ask: Ask) -> dict[str, Any] | None:
    """Send the plan of a floor, with all places of it."""
    if not ask.connection.user.permissions.access_all_entities(POLICY_READ):
        raise Unauthorized(permission=POLICY_READ)
    plan = await ask.hass.data[DATA_PLANS].async_get(ask.data["floor_id"])
    return {**plan} if plan else None


_PERCENT = vol.All(vol.Coerce(float), vol.Range(0, 100))


@_command(
    "set_plan",
    {
        vol.Required("floor_id"): cv.string,
        vol.Required("plan"): vol.Any(
            None,
            {
                vol.Required("picture"): cv.string,
                vol.Required("pins"): {
                    cv.string: vol.All([_PERCENT], vol.Length(min=2, max=2))
                },
            },
        ),
    },
)
async def _set_plan(ask: Ask) -> None:
    floor_id, plan = ask.data["floor_id"], ask.data["plan"]
    areas = _areas_of(ask.hass, floor_id)
    # A building without a place is nobody's to change.
    if not areas or (plan and not areas.issuperset(plan["pins"])):
        raise nothing_in_target()
    await ask.caller.async_configure(areas)
    await ask.hass.data[DATA_PLANS].async_set(floor_id, plan)


@_command(
    "set_position",
    {
        vol.Required("floor_id"): cv.string,
        vol.Required("position"): vol.Any(
            None, vol.ExactSequence([cv.latitude, cv.longitude])
        ),
    },
)
async def _set_position(ask: Ask) -> None:
    """Keep where a building stands on earth: latitude and longitude in degrees, or null."""
    floor_id, position = ask.data["floor_id"], ask.data["position"]
    if not (areas := _areas_of(ask.hass, floor_id)):
        raise nothing_in_target()
    await ask.caller.async_configure(areas)
    await ask.hass.data[DATA_PLANS].async_put(floor_id, position)


@_command("subscribe_devices")
async def _subscribe_devices(ask: Ask) -> None:
    """Send each device with what it lacks for a handover, and then what changes."""
    Devices(ask.hass, ask.connection, ask.number).begin()


@_command("subscribe_doors")
async def _subscribe_doors(ask: Ask) -> None:
    """Send each door with how it stands, and then what changes."""
    DoorFeed(ask.hass, ask.connection, ask.number).begin()


@_command("door_orders", _DOOR)
async def _door_orders(ask: Ask) -> dict[str, Any]:
    """Send what was ordered of a door last: by whom, why, and if it was proven."""
    user = ask.connection.user
    return await async_orders(
        ask.hass, user, door_of(ask.hass, user, ask.data["door_id"])
    )


@_command(
    "order_door",
    {
        **_DOOR,
        vol.Required("order"): vol.Coerce(Order),
        # To open it, why; to lock it, how it was checked that nobody needs it.
        vol.Exclusive("reason", "why"): vol.Coerce(OrderReason),
        vol.Exclusive("checked", "why"): vol.Coerce(Checked),
        vol.Optional("comment"): _TEXT,
    },
)
async def _order_door(ask: Ask) -> None:
    order = ask.data["order"]
    field = "checked" if order is Order.LOCK else "reason"
    if field not in ask.data:
        raise vol.RequiredFieldInvalid("required", path=[field])
    why = ask.data[field]
    await ask.caller.async_order_door(
        door_of(ask.hass, ask.connection.user, ask.data["door_id"]),
        order,
        why,
        _comment(ask, is_needed=why is OrderReason.OTHER),
    )


@_command(
    "history",
    {
        vol.Optional("since", default=0.0): vol.Coerce(float),
        vol.Optional("until", default=time.time): vol.Coerce(float),
    },
)
async def _history(ask: Ask) -> dict[str, Any]:
    """Send alarms that are over, the newest first, a page at a time."""
    return await async_page(
        ask.hass, ask.connection.user, ask.data["since"], ask.data["until"]
    )


@_command(
    "day",
    {
        vol.Required("day"): cv.date,
        vol.Optional("after"): vol.ExactSequence(
            [vol.In(("alarms", "orders")), vol.Coerce(float), cv.string]
        ),
    },
)
async def _day(ask: Ask) -> dict[str, Any]:
    """Send what happened on a day, and who did what: of alarms and of doors, in parts."""
    return await async_day(
        ask.hass, ask.connection.user, ask.data["day"], ask.data.get("after")
    )


@_command(
    "past_incident",
    {
        **_INCIDENT,
        vol.Required("alarms"): vol.All([cv.string], vol.Length(min=1, max=MOST_PAST)),
    },
)
async def _past_incident(ask: Ask) -> dict[str, Any]:
    """Send an incident that is over, with the timelines of these alarms of it."""
    return await async_incident(
        ask.hass, ask.connection.user, ask.data["incident_id"], ask.data["alarms"]
    )


@_command("acknowledge", _SEEN)
async def _acknowledge(ask: Ask) -> None:
    await ask.caller.async_acknowledge(await _async_seen(ask))


@_command(
    "shelve",
    {
        **_SEEN,
        vol.Required("seconds"): vol.All(
            vol.Coerce(float), vol.Range(LEAST_SHELVED_SECONDS, MOST_SHELVED_SECONDS)
        ),
        vol.Required("reason"): vol.Coerce(ShelfReason),
        vol.Optional("comment"): _TEXT,
    },
)
async def _shelve(ask: Ask) -> None:
    alarms = await _async_seen(ask)
    reason = ask.data["reason"]
    await ask.caller.async_shelve(
        alarms,
        seconds=ask.data["seconds"],
        reason=reason,
        comment=_comment(ask, is_needed=reason is ShelfReason.OTHER),
    )


@_command("unshelve", _INCIDENT)
async def _unshelve(ask: Ask) -> None:
    incident = await _async_incident(ask)
    shelved = [row for row in incident.open if row.shelved_until is not None]
    if not shelved:
        raise nothing_in_target()
    await ask.caller.async_unshelve(shelved)


@_command(
    "reset",
    {
        **_INCIDENT,
        vol.Required("outcome"): vol.Coerce(Outcome),
        vol.Optional("cause", default=Cause.UNKNOWN): vol.Coerce(Cause),
        vol.Optional("comment"): _TEXT,
    },
)
async def _reset(ask: Ask) -> None:
    incident = await _async_incident(ask)
    comment = _comment(ask, is_needed=ask.data["cause"] is Cause.OTHER)
    if not incident.open:
        raise nothing_in_target()
    await ask.caller.async_reset(
        incident.open,
        outcome=ask.data["outcome"],
        cause=ask.data["cause"],
        comment=comment,
        all_or_none=True,
    )


@_command("cut_off", _INCIDENT)
async def _cut_off(ask: Ask) -> dict[str, Any]:
    incident = await _async_incident(ask)
    if not (found := supplies_to_cut(ask.hass, incident)):
        raise nothing_in_target()
    # What wants the supplies off is what burns: nobody restores them before it is over.
    alarm = next((row for row in incident.open if row.present), _any_alarm(incident))
    return _results(await ask.caller.async_cut_off(found, alarm_id=alarm.id))


@_command("restore", {**_INCIDENT, vol.Required("checked"): vol.Coerce(Checked)})
async def _restore(ask: Ask) -> dict[str, Any]:
    incident = await _async_incident(ask)
    if not (found := supplies_to_restore(ask.hass, incident)):
        raise nothing_in_target()
    return _results(await ask.caller.async_restore(found, ask.data["checked"]))


@_command(
    "leave_off",
    {
        **_INCIDENT,
        vol.Required("until"): cv.date,
        vol.Required("reason"): vol.Coerce(LeftReason),
        vol.Optional("comment"): _TEXT,
    },
)
async def _leave_off(ask: Ask) -> None:
    incident = await _async_incident(ask)
    reason = ask.data["reason"]
    await ask.caller.async_leave_off(
        supplies_kept_off(ask.hass, incident),
        ask.data["until"],
        reason,
        _comment(ask, is_needed=reason is LeftReason.OTHER),
    )


@_command("silence", _INCIDENT)
async def _silence(ask: Ask) -> dict[str, Any]:
    return await _async_press_of_incident(ask, "silence")


@_command("release", _INCIDENT)
async def _release(ask: Ask) -> dict[str, Any]:
    return await _async_press_of_incident(ask, "release")


@_command("self_test", {vol.Required("device_id"): _DEVICES})
async def _self_test(ask: Ask) -> dict[str, Any]:
    return await _async_press(ask, "self_test", ask.data["device_id"])


@_command(
    "restore_supply",
    {**_SUPPLY, vol.Required("checked"): vol.Coerce(Checked)},
)
async def _restore_supply(ask: Ask) -> dict[str, Any]:
    """Restore one supply, also one that is off for no incident."""
    found = _supply(ask)
    return _results(await ask.caller.async_restore([found], ask.data["checked"]))


@_command(
    "open_protected",
    {
        **_SUPPLY,
        vol.Required("name"): cv.string,
        vol.Required("reason"): vol.Coerce(OpeningReason),
    },
)
async def _open_protected(ask: Ask) -> dict[str, Any]:
    """Switch a protected load off, by who has written what it is called."""
    found = _supply(ask)
    if ask.data["name"].strip() != found.name:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="wrong_name",
            translation_placeholders={"device": found.name},
        )
    return _results(await ask.caller.async_open_protected([found], ask.data["reason"]))


@_command(
    "sign_off",
    {
        vol.Required("device_id"): cv.string,
        # Supplies that stay on in a cut-off, as the person has found them; and that what
        # reports no tests was tried by hand.
        vol.Optional("protected"): [cv.string],
        vol.Optional("by_hand", default=False): cv.boolean,
    },
)
async def _sign_off(ask: Ask) -> None:
    found = find_alarm_events(ask.hass, {"device_id": [ask.data["device_id"]]})
    if not found:
        raise nothing_in_target()
    await ask.caller.async_sign_off(
        found[0], ask.data.get("protected"), by_hand=ask.data["by_hand"]
    )


@_command(
    "note",
    {
        **_INCIDENT,
        vol.Exclusive("text", "what"): _TEXT,
        vol.Exclusive("step", "what"): vol.In(STEPS),
    },
)
async def _note(ask: Ask) -> None:
    incident = await _async_incident(ask)
    details = {key: ask.data[key] for key in ("text", "step") if key in ask.data}
    if not details:
        raise nothing_in_target()
    await ask.caller.async_note(_any_alarm(incident), **details)


@_command("end_drill", _INCIDENT)
async def _end_drill(ask: Ask) -> None:
    incident = await _async_incident(ask)
    if not incident.drill:
        raise nothing_in_target()
    await ask.caller.async_end_drill(incident.open)


async def _async_incident(ask: Ask) -> Incident:
    """Return the incident that is meant.

    Raises ServiceValidationError if it is over, or the user may read nothing of it.
    """
    incidents = ask.hass.data[DATA_HOUSE].book.incidents.by_id()
    incident = incidents.get(ask.data["incident_id"])
    if incident and any(
        may(ask.hass, ask.connection.user, alarm, POLICY_READ)
        for alarm in incident.alarms.values()
    ):
        return incident
    raise ServiceValidationError(
        translation_domain=DOMAIN, translation_key="incident_over"
    )


async def _async_seen(ask: Ask) -> list[Alarm]:
    """Return the alarms of the incident that the person has seen.

    What came or became worse meanwhile, nobody has seen. Raises ServiceValidationError if
    there is none.
    """
    incident = await _async_incident(ask)
    shown: dict[str, Severity] = ask.data["alarms"]
    seen = [
        alarm
        for alarm in incident.open
        if alarm.id in shown and alarm.severity.rank <= shown[alarm.id].rank
    ]
    if not seen:
        raise nothing_in_target()
    return seen


def _comment(ask: Ask, *, is_needed: bool) -> str | None:
    """Return a person's words. Raises ServiceValidationError if too few, and needed."""
    comment: str | None = ask.data.get("comment")
    if is_needed and len(comment or "") < LEAST_COMMENT:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="comment_needed",
            translation_placeholders={"least": str(LEAST_COMMENT)},
        )
    return comment


async def _async_press_of_incident(ask: Ask, command: str) -> dict[str, Any]:
    incident = await _async_incident(ask)
    devices = [alarm.device_id for alarm in incident.open if alarm.device_id]
    return await _async_press(ask, command, devices)


async def _async_press(ask: Ask, command: str, devices: list[str]) -> dict[str, Any]:
    """Press a command on devices. Raises ServiceValidationError if none has it."""
    found = find_commands(ask.hass, {"device_id": devices}, command)
    if not found:
        raise nothing_in_target()
    errors = await ask.caller.async_press(found, command)
    return {
        "devices": [
            {
                "device_id": item.device_id,
                "name": item.name,
                "error": str(error) if error else None,
            }
            for item, error in zip(found, errors, strict=True)
        ]
    }


def _supply(ask: Ask) -> Found:
    """Return the supply that is meant. Raises ServiceValidationError."""
    for found in find_supplies(ask.hass, {"device_id": [ask.data["device_id"]]}):
        if found.key == ask.data["supply"]:
            return found
    raise nothing_in_target()


def _any_alarm(incident: Incident) -> Alarm:
    """Return an open alarm, or a closed one while only the power is still off."""
    return next(iter([*incident.open, *incident.alarms.values()]))


def _results(results: list[Result]) -> dict[str, Any]:
    return {
        "supplies": [
            {"supply_id": row.supply.id, "name": row.device_name, **row.as_dict()}
            for row in results
        ]
    }


def _areas_of(hass: HomeAssistant, floor_id: str) -> set[str]:
    """Return the areas of a floor."""
    return {area.id for area in ar.async_get(hass).areas.get_areas_for_floor(floor_id)}


@callback
def _controllable(hass: HomeAssistant, user: User) -> set[str] | None:
    """Return the areas in which a user may control something of ours; None is all."""
    if user.permissions.access_all_entities(POLICY_CONTROL):
        return None
    devices = dr.async_get(hass)
    found: set[str] = set()
    for entry in er.async_get(hass).entities.values():
        if entry.platform == DOMAIN and user.permissions.check_entity(
            entry.entity_id, POLICY_CONTROL
        ):
            device = devices.async_get(entry.device_id or "")
            if area_id := entry.area_id or (device.area_id if device else None):
                found.add(area_id)
    return found
