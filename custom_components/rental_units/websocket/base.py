"""What the commands have in common: what they are asked, and how they answer.

Home Assistant writes what it cannot read of a message into the answer and into the log. A
message of ours may be about people: so its fields are looked at here, and an error names
the field and not what was in it.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import voluptuous as vol

from homeassistant.auth.models import User
from homeassistant.components import websocket_api
from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, Unauthorized
from homeassistant.helpers import config_validation as cv

from ..app.application import Application, application_of
from ..app.work import Command, OvertakenError, refused
from ..const import DOMAIN, LOGGER, Reason

#: What Home Assistant is to look at itself.
SCHEMA: Final = vol.Schema(
    {vol.Required("id"): cv.positive_int, vol.Required("type"): cv.string},
    extra=vol.ALLOW_EXTRA,
)
TEXT: Final = vol.All(cv.string, vol.Length(max=500))
ENTRY: Final[dict[vol.Marker, Any]] = {vol.Required("entry_id"): cv.string}
REASON: Final[dict[vol.Marker, Any]] = {
    vol.Optional("reason", default=Reason.MANAGEMENT): vol.Coerce(Reason)
}


@dataclass(frozen=True, slots=True)
class Ask:
    """One message, of one user, about one property."""

    hass: HomeAssistant
    connection: ActiveConnection
    id: int
    data: Mapping[str, Any]
    application: Application
    context: Context

    @property
    def user(self) -> User:
        """Return who asks."""
        return self.connection.user

    @property
    def why(self) -> Reason:
        """Return the reason that was given."""
        reason: Reason = self.data.get("reason", Reason.MANAGEMENT)
        return reason

    async def async_do[T](self, command: Command[T]) -> T:
        """Carry out a command, as Application.async_do."""
        return await self.application.async_do(command, self.context, self.why)

    def title(self, unit_id: str) -> str | None:
        """Return what a unit is called; None for one that is gone."""
        unit = self.application.register.units.get(unit_id)
        return unit.title if unit else None

    async def async_accounts(self, ids: Collection[str | None]) -> dict[str, str]:
        """Return the names of users of Home Assistant, who did something."""
        users = [await self.hass.auth.async_get_user(key) for key in set(ids) if key]
        return {user.id: user.name for user in users if user and user.name}


type Handler = Callable[[Ask], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class PanelCommand:
    """A command of the websocket."""

    #: The commands of the table of who may, by any of which it is allowed.
    table: tuple[str, ...]
    fields: Mapping[vol.Marker, Any]
    handler: Callable[[HomeAssistant, ActiveConnection, dict[str, Any]], None]
    text: str


COMMANDS: Final[dict[str, PanelCommand]] = {}


class Subscription:
    """Something that is told of until it is stopped."""

    def start(self) -> None:
        """Begin to tell, after the answer."""

    def stop(self) -> None:
        """Tell no more."""


def command(
    name: str, fields: Mapping[vol.Marker, Any], *table: str
) -> Callable[[Handler], Handler]:
    """Make a function the command of a name, with these fields besides the property's."""
    whole = {**ENTRY, **fields}
    schema = vol.Schema(whole)

    def decorate(handle: Handler) -> Handler:
        @websocket_api.async_response
        async def run(
            hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
        ) -> None:
            # Before anything is waited for: who has gone meanwhile is told of nothing.
            connection.subscriptions[msg["id"]] = _nothing
            is_kept = False
            try:
                data = {key: msg[key] for key in msg.keys() - {"id", "type"}}
                context = connection.context(msg)
                application = _application(hass, connection.user, data)
                ask = Ask(
                    hass, connection, msg["id"], schema(data), application, context
                )
                is_kept = _answer(ask, await handle(ask))
            except vol.Invalid as err:
                connection.send_error(
                    msg["id"], websocket_api.ERR_INVALID_FORMAT, _said(err)
                )
            except HomeAssistantError:
                raise
            except Exception as err:  # noqa: BLE001
                # Without its text: that may hold a name.
                LOGGER.error("%s/%s failed: %s", DOMAIN, name, type(err).__name__)
                connection.send_error(
                    msg["id"], websocket_api.ERR_UNKNOWN_ERROR, "Unknown error"
                )
            finally:
                if not is_kept:
                    connection.subscriptions.pop(msg["id"], None)

        COMMANDS[name] = PanelCommand(table, whole, run, handle.__doc__ or "")
        return handle

    return decorate


def _answer(ask: Ask, result: Any) -> bool:
    """Send what a command has come to; return if it goes on."""
    if ask.id not in ask.connection.subscriptions:
        # Nobody listens any more, and Home Assistant would log what was for them.
        return False
    if not isinstance(result, Subscription):
        ask.connection.send_result(ask.id, result)
        return False
    ask.connection.subscriptions[ask.id] = result.stop
    ask.connection.send_result(ask.id)
    result.start()
    return True


def _nothing() -> None:
    """Stop what has not begun."""


def _said(err: vol.Invalid) -> str:
    """Return which field is wrong."""
    first = err.errors[0] if isinstance(err, vol.MultipleInvalid) else err
    return f"Invalid value of {'.'.join(map(str, first.path)) or 'message'}"


def _application(
    hass: HomeAssistant, user: User, data: Mapping[str, Any]
) -> Application:
    """Return the property of a message.

    Raises ServiceValidationError, or Unauthorized for who may not even know of it.
    """
    entry = hass.config_entries.async_get_entry(str(data.get("entry_id")))
    if entry is None or entry.domain != DOMAIN:
        if not user.is_admin:
            raise Unauthorized
        raise refused("no_such_property")
    if entry.state is not ConfigEntryState.LOADED:
        raise refused("property_not_loaded")
    return application_of(hass, entry.entry_id)


async def async_or_conflict(
    ask: Ask,
    change: Command[Any],
    read: Callable[[], Awaitable[Any]],
) -> dict[str, Any]:
    """Return what a change has written; or, if somebody was faster, what is there now.

    Nothing is written then: the panel shows both, and sends what is chosen.
    """
    try:
        return {"written": await ask.async_do(change)}
    except OvertakenError:
        return {"written": None, "conflict": await read()}
