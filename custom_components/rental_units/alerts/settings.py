"""What the channels can be told in the options, and which of them work then."""

from collections.abc import Mapping
from typing import Any

#: Providers by channel. The first needs no settings, where there is only one.
PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "push": ("mobile_app",),
    "notify": ("notify",),
    "email": ("notify", "script"),
    "webhook": ("webhook",),
    "robot": ("robot",),
    "sms": ("script", "alibaba", "twilio"),
    "call": ("script", "alibaba", "twilio"),
    "announce": ("announce",),
}
_ALIBABA = ("access_key_id", "access_key_secret")
_TWILIO = ("account_sid", "auth_token", "from")
#: What each must be told; without it the channel is not there.
REQUIRED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("email", "notify"): ("action",),
    ("email", "script"): ("script",),
    ("sms", "script"): ("script",),
    ("sms", "alibaba"): (*_ALIBABA, "sign_name", "template"),
    ("sms", "twilio"): _TWILIO,
    ("call", "script"): ("script",),
    ("call", "alibaba"): (*_ALIBABA, "template"),
    ("call", "twilio"): _TWILIO,
}
#: What may be set besides.
OPTIONAL: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("sms", "alibaba"): ("news_template", "variable_characters", "region", "url"),
    ("sms", "twilio"): ("url",),
    ("call", "alibaba"): (
        *("show_number", "keys_template", "news_template", "region", "url"),
    ),
    ("call", "twilio"): ("url",),
    ("webhook", "webhook"): ("secret",),
    ("robot", "robot"): ("robots",),
    ("announce", "announce"): ("tts_entity",),
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
        "show_number",
        "url",
        "robots",
    }
)


def provider_of(options: Mapping[str, Any], channel: str) -> str | None:
    """Return the provider of a channel; None if it lacks something that it needs."""
    own: Mapping[str, Any] = options.get("channels", {}).get(channel, {})
    provider: str = own.get("provider", PROVIDERS[channel][0])
    required = REQUIRED.get((channel, provider), ())
    if provider in PROVIDERS[channel] and all(own.get(key) for key in required):
        return provider
    return None


def working(options: Mapping[str, Any]) -> frozenset[str]:
    """Return the channels over which something could be sent."""
    return frozenset(name for name in PROVIDERS if provider_of(options, name))
