"""The ways to a person. A new provider is a class and a row."""

from collections.abc import Mapping
from typing import Any

from homeassistant.core import HomeAssistant

from .alibaba import AlibabaCall, AlibabaSms
from .base import Channel
from .local import Announce, Notify, Script
from .push import Push
from .twilio import TwilioCall, TwilioSms
from .webhook import Robot, Webhook

#: By channel and provider. The first provider of a channel needs no credentials, if any does.
PROVIDERS: dict[str, dict[str, type[Channel]]] = {
    "push": {"mobile_app": Push},
    "notify": {"notify": Notify},
    "webhook": {"webhook": Webhook},
    "robot": {"robot": Robot},
    "script": {"script": Script},
    "sms": {"script": Script, "alibaba": AlibabaSms, "twilio": TwilioSms},
    "call": {"script": Script, "alibaba": AlibabaCall, "twilio": TwilioCall},
    "announce": {"announce": Announce},
}
#: What each of them must be told; without it the channel is not there.
REQUIRED: dict[type[Channel], tuple[str, ...]] = {
    AlibabaSms: ("access_key_id", "access_key_secret", "sign_name", "template"),
    AlibabaCall: ("access_key_id", "access_key_secret", "template"),
    TwilioSms: ("account_sid", "auth_token", "from"),
    TwilioCall: ("account_sid", "auth_token", "from"),
}
#: Never shown, in diagnostics or anywhere.
SECRETS = frozenset(
    {
        "access_key_id",
        "access_key_secret",
        "account_sid",
        "auth_token",
        "secret",
        "from",
    }
    | {"show_number", "url", "robots"}
)


def build(hass: HomeAssistant, options: Mapping[str, Any]) -> dict[str, Channel]:
    """Return the channels that the options of an entry describe."""
    channels: dict[str, Channel] = {}
    for name, providers in PROVIDERS.items():
        own: Mapping[str, Any] = options.get("channels", {}).get(name, {})
        provider = providers.get(own.get("provider", next(iter(providers))))
        if provider is None or any(
            not own.get(key) for key in REQUIRED.get(provider, ())
        ):
            continue
        if provider is Script and name != "script" and not own.get("script"):
            continue
        channels[name] = provider(hass, own)
    return channels
