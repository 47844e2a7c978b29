"""Who may do what: providers that are asked beside Home Assistant's permissions.

An integration offers one in its file `community_safety.py`, as for other integration
platforms of Home Assistant, and imports nothing of this integration for it:

    async def async_get_authority_provider(hass: HomeAssistant) -> AuthorityProvider

Without a provider Home Assistant's permissions alone decide.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from homeassistant.auth.models import User
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)

from ..const import DOMAIN, LOGGER

#: Longest time for one answer, in seconds: in a fire nobody waits for a database.
ANSWER_SECONDS = 2.0
#: Between the domain of a provider and the id that it gave.
_SEPARATOR = ":"


class Action(StrEnum):
    """What a person may want to do."""

    ACKNOWLEDGE = "acknowledge"
    RESET = "reset"
    SILENCE = "silence"
    #: To let a warning or fault call nobody for a while.
    SHELVE = "shelve"
    SELF_TEST = "self_test"
    CUT_OFF = "cut_off"
    RESTORE = "restore"
    RELEASE = "release"
    #: To unlock a door that no fire has opened.
    OPEN_DOOR = "open_door"
    #: To be shown who did something, and what people wrote. It is no deed.
    READ = "read"
    #: To change what protects a home: thresholds, places of use, protected loads, devices.
    CONFIGURE = "configure"

    @property
    def needs_answer(self) -> bool:
        """Return if it is refused while a provider cannot answer.

        What makes things safer, or can be undone, is then left to Home Assistant's
        permissions: a database that is away must not keep power on in a fire, on which
        doors open by themselves. What was written about people is nobody's meanwhile.
        """
        return self in (
            Action.RESET,
            Action.SHELVE,
            Action.RESTORE,
            Action.OPEN_DOOR,
            Action.CONFIGURE,
            Action.READ,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is acted on: a device, or one alarm of it, in the area that is the unit."""

    area_id: str | None
    device_id: str | None
    alarm_id: str | None = None
    incident_id: str | None = None
    drill: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One deed of one person; it is done to all of its subjects or to none.

    `who` is the id of a user of Home Assistant, or what `principal` returned with the
    provider's domain before it (`rental_units:7f3a`).
    """

    action: Action
    who: str
    context: Context
    subjects: tuple[Subject, ...]


#: What is allowed by a provider that cannot answer.
_UNANSWERED: Final[Mapping[str, Collection[str] | None]] = {
    action: None for action in Action if not action.needs_answer
}


class AuthorityProvider(Protocol):
    """Knows roles and people that Home Assistant does not know.

    Each answer is waited for ANSWER_SECONDS. Ids are opaque: they are stored and
    written to logs, and a name is asked for only when somebody reads.
    """

    def principal(self, context: Context) -> str | None:
        """Return the opaque id of the person behind a context that has no user.

        For what the provider itself has set off, such as an answer on a signed page:
        it knows the contexts that it made. None for all others.
        """

    async def async_authorize(self, request: Request) -> None:
        """Return if there is no objection; Home Assistant's permissions still apply.

        Raises Home Assistant's Unauthorized if the person may not do this here, or its
        ServiceValidationError with a translated reason to veto it for everybody (a
        reset, while somebody there still needs help).
        """

    async def async_rights(self, user_id: str) -> Mapping[str, Collection[str] | None]:
        """Return in which areas a user may do what, by action: None means everywhere.

        An action that is missing is allowed nowhere. For what a panel offers; what is
        done is still asked for.
        """

    async def async_names(self, ids: Collection[str], reader: str) -> Mapping[str, str]:
        """Return the names of its own opaque ids, as far as the reading user may know."""


class Authority:
    """Asks every provider, and resolves who did something."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize."""
        self._hass = hass
        #: By domain; None for one that could not be had.
        self._providers: dict[str, AuthorityProvider | None] = {}

    async def async_take(self, domain: str, platform: Any) -> None:
        """Take what one integration offers; it need not be a provider."""
        get: Callable[[HomeAssistant], Awaitable[AuthorityProvider]] | None = getattr(
            platform, "async_get_authority_provider", None
        )
        if get:
            # Until it is there it cannot answer, which is not the same as no objection.
            self._providers[domain] = None
            try:
                self._providers[domain] = await get(self._hass)
            except Exception:  # noqa: BLE001
                LOGGER.exception("The authority of %s did not start", domain)

    def who(self, context: Context) -> str | None:
        """Return who acts: a user, somebody that a provider knows, None for automations."""
        if context.user_id:
            return context.user_id
        for domain, provider in self._providers.items():
            try:
                if provider and (found := provider.principal(context)):
                    return principal(domain, found)
            except Exception:  # noqa: BLE001
                LOGGER.exception("%s cannot tell who acts", domain)
        return None

    async def async_person(self, context: Context) -> str | None:
        """Return who acts, if that is a person.

        None for an automation: it has no user, or it was itself set off by something (its
        context has a parent); for a user of the system, as add-ons and bridges have, and for
        one who may not log in any more.
        """
        if context.parent_id:
            return None
        if context.user_id:
            user = await self._hass.auth.async_get_user(context.user_id)
            if user is None or user.system_generated or not user.is_active:
                return None
        return self.who(context)

    async def async_authorize(
        self, action: Action, context: Context, subjects: Iterable[Subject]
    ) -> str | None:
        """Ask every provider if a person may do this; return who acts.

        Home Assistant's permissions are the caller's to check. Automations are nobody:
        for them nobody is asked, and None is returned. Raises Unauthorized,
        ServiceValidationError for a veto, or HomeAssistantError if a provider cannot
        answer, or is not there yet while Home Assistant starts, and the action needs it to.
        """
        if (who := self.who(context)) is None:
            return None
        if action.needs_answer and not self._hass.is_running:
            # Who has a say may not be set up yet.
            raise _unavailable("Home Assistant")
        request = Request(
            action=action, who=who, context=context, subjects=tuple(subjects)
        )
        await asyncio.gather(
            *(
                self._async_ask(domain, provider, request)
                for domain, provider in self._providers.items()
            )
        )
        return who

    async def _async_ask(
        self, domain: str, provider: AuthorityProvider | None, request: Request
    ) -> None:
        reason: object = "it did not start"
        if provider:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await provider.async_authorize(request)
            except Unauthorized, ServiceValidationError:
                raise
            except Exception as err:  # noqa: BLE001
                reason = repr(err)
            else:
                return
        LOGGER.error("%s cannot tell who may %s: %s", domain, request.action, reason)
        # Whom a provider alone knows, nobody else can vouch for.
        if request.action.needs_answer or request.who != request.context.user_id:
            raise _unavailable(domain)

    async def async_rights(self, user: User) -> dict[Action, Sequence[str] | None]:
        """Return in which areas a user may do what by the providers' word.

        None means everywhere; an empty list nowhere. While a provider cannot answer, what
        is done without its answer is offered, and all else is not.
        """
        rights: dict[Action, Sequence[str] | None] = dict.fromkeys(Action)
        for action in Action:
            if action.needs_answer and not self._hass.is_running:
                rights[action] = []
        for domain, provider in self._providers.items():
            given: Mapping[str, Collection[str] | None] = _UNANSWERED
            if provider:
                try:
                    async with asyncio.timeout(ANSWER_SECONDS):
                        given = await provider.async_rights(user.id)
                except Exception:  # noqa: BLE001
                    LOGGER.exception("%s cannot tell what a user may do", domain)
            for action, areas in rights.items():
                here = given.get(action, ())
                if here is not None:
                    rights[action] = sorted(
                        here if areas is None else set(areas).intersection(here)
                    )
        return rights

    async def async_names(self, ids: Iterable[str], reader: User) -> dict[str, str]:
        """Return the names of who did something, as far as the reader may know them."""
        names: dict[str, str] = {}
        asked: dict[str, list[str]] = {}
        for who in set(ids):
            domain, separator, own = who.partition(_SEPARATOR)
            if separator:
                asked.setdefault(domain, []).append(own)
            elif (user := await self._hass.auth.async_get_user(who)) and user.name:
                names[who] = user.name
        for domain, own_ids in asked.items():
            if provider := self._providers.get(domain):
                try:
                    async with asyncio.timeout(ANSWER_SECONDS):
                        found = await provider.async_names(own_ids, reader.id)
                except Exception:  # noqa: BLE001
                    LOGGER.exception("%s cannot tell names", domain)
                else:
                    names |= {
                        principal(domain, own): name for own, name in found.items()
                    }
        return names


def _unavailable(who: str) -> HomeAssistantError:
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key="authority_unavailable",
        translation_placeholders={"integration": who},
    )


def principal(domain: str, own_id: str) -> str:
    """Return the id of somebody whom a provider knows, as it is stored."""
    return f"{domain}{_SEPARATOR}{own_id}"


def user_of(who: str | None) -> str | None:
    """Return the id of Home Assistant's user, None if it was none of its users."""
    return None if who is None or _SEPARATOR in who else who
