"""The ways to a person. A new provider is a class, which says what it must be told, and a row here."""

from collections.abc import Mapping
from typing import Any

from homeassistant.components.diagnostics import REDACTED
from homeassistant.core import HomeAssistant

from .alibaba import AlibabaCall, AlibabaSms
from .base import Channel
from .local import Announce, Email, Notify, Script
from .push import Push
from .setting import Shown
from .twilio import TwilioCall, TwilioSms
from .webhook import Robot, Webhook

#: The class of each provider of a channel: the loudest channel of a person last, the
#: provider that serves where nobody has chosen one first.
CLASSES: Mapping[tuple[str, str], type[Channel]] = {
    ("push", "mobile_app"): Push,
    ("notify", "notify"): Notify,
    ("email", "notify"): Email,
    ("email", "script"): Script,
    ("webhook", "webhook"): Webhook,
    ("robot", "robot"): Robot,
    ("sms", "script"): Script,
    ("sms", "alibaba"): AlibabaSms,
    ("sms", "twilio"): TwilioSms,
    ("call", "script"): Script,
    ("call", "alibaba"): AlibabaCall,
    ("call", "twilio"): TwilioCall,
    ("announce", "announce"): Announce,
}
PROVIDERS: Mapping[str, tuple[str, ...]] = {
    name: tuple(provider for channel, provider in CLASSES if channel == name)
    for name in dict.fromkeys(channel for channel, _ in CLASSES)
}
#: Where the options keep channels that were taken away while an alert was open.
FORMER = "former_channels"
#: What every channel can be told besides, and nothing of it is a secret.
COMMON = ("provider", "concurrency", "per_second", "receipt_seconds", "timeout")


def settings_of(options: Mapping[str, Any], channel: str) -> Mapping[str, Any]:
    """Return what a channel was told."""
    own: Mapping[str, Any] = options.get("channels", {}).get(channel, {})
    return own


def chosen(options: Mapping[str, Any], channel: str) -> str:
    """Return the provider that was chosen for a channel, whether it can work or not."""
    provider: str = settings_of(options, channel).get("provider", PROVIDERS[channel][0])
    return provider


def provider_of(options: Mapping[str, Any], channel: str) -> str | None:
    """Return the provider of a channel; None if it lacks something that it needs."""
    own, provider = settings_of(options, channel), chosen(options, channel)
    found = CLASSES.get((channel, provider))
    if found and all(own.get(row.key) for row in found.settings if row.required):
        return provider
    return None


def with_former(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return options with the channels, too, that were taken away and serve open alerts."""
    channels = {**options.get(FORMER, {}), **options.get("channels", {})}
    return {**options, "channels": channels}


def working(options: Mapping[str, Any]) -> frozenset[str]:
    """Return the channels over which something could be sent."""
    return frozenset(name for name in PROVIDERS if provider_of(options, name))


def build(hass: HomeAssistant, options: Mapping[str, Any]) -> dict[str, Channel]:
    """Return the channels that the options of an entry describe."""
    return {
        name: CLASSES[name, provider](hass, settings_of(options, name))
        for name in PROVIDERS
        if (provider := provider_of(options, name))
    }


def redacted(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of which everybody may see all: of a channel only what is public."""
    shown = dict(options)
    for key in {"channels", FORMER} & options.keys():
        shown[key] = {name: _redacted(name, own) for name, own in options[key].items()}
    return shown


def _redacted(name: str, own: Mapping[str, Any]) -> dict[str, Any]:
    found = CLASSES.get((name, own.get("provider", PROVIDERS.get(name, ("",))[0])))
    settings = found.settings if found else ()
    public = {row.key for row in settings if row.shown is Shown.EVERYWHERE}
    public.update(COMMON)
    return {key: value if key in public else REDACTED for key, value in own.items()}
