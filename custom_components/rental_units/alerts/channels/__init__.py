"""The ways to a person. A new provider is a class here and a row in settings.py."""

from collections.abc import Mapping
from typing import Any

from homeassistant.core import HomeAssistant

from ..settings import PROVIDERS, provider_of
from .alibaba import AlibabaCall, AlibabaSms
from .base import Channel
from .local import Announce, Email, Notify, Script
from .push import Push
from .twilio import TwilioCall, TwilioSms
from .webhook import Robot, Webhook

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


def build(hass: HomeAssistant, options: Mapping[str, Any]) -> dict[str, Channel]:
    """Return the channels that the options of an entry describe."""
    own = options.get("channels", {})
    return {
        name: CLASSES[name, provider](hass, own.get(name, {}))
        for name in PROVIDERS
        if (provider := provider_of(options, name))
    }
