"""What a channel can be told: how it is asked for, checked, kept and shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
import re
from typing import Any, override

from yarl import URL

from homeassistant.core import HomeAssistant
from homeassistant.helpers import selector


class Shown(Enum):
    """Where a setting may be seen once it is stored."""

    NOWHERE = auto()
    #: By who edits it, who has to compare it; not in diagnostics.
    FORM = auto()
    EVERYWHERE = auto()


#: Returns if a value can be right in this house.
type Check = Callable[[HomeAssistant, str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting of a provider: a secret, unless it says otherwise."""

    key: str
    #: Without it the channel is not there.
    required: bool = False
    shown: Shown = Shown.NOWHERE
    #: Its selector, as services.yaml would write it.
    config: Mapping[str, Any] | None = None
    check: Check | None = None
    #: Key of what is said of one that is wrong.
    error: str = ""

    @property
    def is_secret(self) -> bool:
        """Return if it never goes back to a browser."""
        return self.shown is Shown.NOWHERE

    @property
    def keeps(self) -> bool:
        """Return if an empty field means the one that is known."""
        return self.is_secret

    async def async_selector(
        self, hass: HomeAssistant, language: str
    ) -> selector.Selector[Any]:
        """Return its field, in the language of who looks."""
        kind = {"type": "password"} if self.is_secret else {}
        return selector.selector(dict(self.config or {"text": kind}))

    def show(self, value: Any) -> Any:
        """Return what a form shows of the one that is stored; None for nothing."""
        return None if self.is_secret else value

    def merge(self, value: Any, known: Any) -> Any:
        """Return what is meant by what was entered: an empty secret is the known one."""
        return (value or known) if self.keeps else value

    def wrong(self, hass: HomeAssistant, value: Any) -> str | None:
        """Return the key of what is wrong with a value; None if nothing is."""
        is_right = self.check is None or self.check(hass, value)
        return None if is_right else self.error


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyAction(Setting):
    """A notify action of the house; those that are there are offered."""

    error: str = "no_such_action"

    @override
    async def async_selector(
        self, hass: HomeAssistant, language: str
    ) -> selector.Selector[Any]:
        names = sorted(hass.services.async_services_for_domain("notify"))
        return selector.SelectSelector(
            selector.SelectSelectorConfig(
                options=[f"notify.{name}" for name in names if name != "send_message"],
                custom_value=True,
                mode=selector.SelectSelectorMode.DROPDOWN,
            )
        )

    @override
    def wrong(self, hass: HomeAssistant, value: Any) -> str | None:
        name = str(value).removeprefix("notify.")
        return None if hass.services.has_service("notify", name) else self.error


def base_url() -> Setting:
    """Return the setting of another endpoint than the provider's usual one."""
    return Setting(
        key="url",
        shown=Shown.FORM,
        config={"text": {"type": "url"}},
        check=lambda _, text: is_url(text),
        error="invalid_address",
    )


def entity_of(key: str, domain: str, error: str, *, required: bool = False) -> Setting:
    """Return the setting of an entity that has to be there."""
    return Setting(
        key=key,
        required=required,
        shown=Shown.EVERYWHERE,
        config={"entity": {"domain": domain}},
        check=lambda hass, entity_id: hass.states.get(entity_id) is not None,
        error=error,
    )


def replies() -> Setting:
    """Return the setting that what people reply is reported to us: else nobody is told to."""
    return Setting(key="replies", shown=Shown.EVERYWHERE, config={"boolean": {}})


def sender(key: str, pattern: str, *, required: bool = True) -> Setting:
    """Return the setting of what a message comes from, as its provider knows it."""
    return Setting(
        key=key,
        required=required,
        shown=Shown.FORM,
        check=like(pattern),
        error="invalid_sender",
    )


def like(pattern: str) -> Check:
    """Return a check that the whole of a text is like a pattern."""
    whole = re.compile(pattern, re.ASCII)
    return lambda _, text: whole.fullmatch(text) is not None


def is_url(text: str) -> bool:
    """Return if a text is the address of a server, without a user's name in it."""
    try:
        url = URL(text)
    except ValueError:
        return False
    return url.scheme in ("http", "https") and bool(url.host) and url.user is None
