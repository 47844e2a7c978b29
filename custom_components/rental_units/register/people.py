"""People as the rest of the sidecar sees them, and how they are written down."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from typing import Any, override

import phonenumbers

from homeassistant.exceptions import ServiceValidationError

from ..const import DOMAIN, Channel
from .models import ContactAddress, Person

#: Where the house has no country set.
DEFAULT_REGION = "CN"
PHONE_CHANNELS = (Channel.SMS, Channel.CALL)
#: The fields of a contact that are an address by themselves.
DIRECT_CHANNELS = (Channel.PUSH, Channel.EMAIL, Channel.NOTIFY, Channel.WEBHOOK)


class Audience(StrEnum):
    """Who is meant by an alert."""

    TENANTS = "tenants"
    LANDLORD = "landlord"
    RESPONDERS = "responders"
    NEIGHBOURS = "neighbours"


@dataclass(frozen=True, slots=True)
class Address:
    """One way to reach a person."""

    id: str
    channel: str
    target: str
    quiet_from: time | None
    quiet_until: time | None

    @override
    def __repr__(self) -> str:
        return f"Address({self.id}, {self.channel}, {mask(self.target)})"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person in one role; somebody with two roles or units is there twice.

    The role is tenant, landlord, neighbour, or the duty of a responder, who has no unit.
    """

    person_id: str
    name: str
    language: str
    role: str
    unit_id: str | None
    addresses: tuple[Address, ...]

    @override
    def __repr__(self) -> str:
        return f"Recipient({self.person_id}, {self.role}, {self.addresses})"


@dataclass(frozen=True, slots=True)
class Contact:
    """A person as entered: in a form, an action or a row of a file.

    A field that is None is not said, which leaves what is known; an empty one removes.
    """

    name: str | None = None
    #: E.164
    phone: str | None = None
    phone_channels: tuple[Channel, ...] = PHONE_CHANNELS
    direct: Mapping[Channel, str | None] = field(default_factory=dict)
    language: str | None = None
    quiet: tuple[time, time] | tuple[None, None] | None = None

    @override
    def __repr__(self) -> str:
        return f"Contact({mask(self.phone or '')})"

    def apply(self, person: Person) -> None:
        """Write what is said over a person's row."""
        if self.name:
            person.name = self.name
        if self.language:
            person.language = self.language
        targets = dict(self.direct)
        if self.phone is not None:
            for channel in PHONE_CHANNELS:
                used = channel in self.phone_channels
                targets[channel] = self.phone if used else ""
        for channel, target in targets.items():
            if target is not None:
                _put(person, channel, target)
        if self.quiet is not None:
            for address in person.addresses:
                address.quiet_from, address.quiet_until = self.quiet


def _put(person: Person, channel: Channel, target: str) -> None:
    """Give a person one address of a channel, or none."""
    known = next((row for row in person.addresses if row.channel == channel), None)
    if known and target:
        known.target = target
    elif known:
        person.addresses.remove(known)
    elif target:
        person.addresses.append(
            ContactAddress(
                channel=channel, target=target, quiet_from=None, quiet_until=None
            )
        )


def parse_contact(data: Mapping[str, Any], region: str | None) -> Contact:
    """Return the contact in the fields of a form. Raises ServiceValidationError."""
    phone = data.get("phone")
    channels = data.get("channels")
    start, until = data.get("quiet_from"), data.get("quiet_until")
    return Contact(
        name=(data.get("name") or "").strip() or None,
        phone=parse_phone(phone, region) if phone else phone,
        phone_channels=PHONE_CHANNELS
        if channels is None
        else tuple(Channel(channel) for channel in channels),
        direct={
            channel: value.strip() if (value := data.get(channel)) else value
            for channel in DIRECT_CHANNELS
        },
        language=data.get("language"),
        quiet=(parse_time(start), parse_time(until)) if start and until else None,
    )


def parse_phone(text: str, region: str | None) -> str:
    """Return a phone number in E.164. Raises ServiceValidationError."""
    try:
        number = phonenumbers.parse(text, region or DEFAULT_REGION)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        # From nothing, and without the number: the error may be logged.
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="invalid_phone"
        ) from None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def mask(target: str) -> str:
    """Return as much of an address as tells its owner which one it is."""
    if len(target) < 8:
        return "*" * len(target)
    shown = 3 if target.startswith("+") else 1
    return f"{target[:shown]}{'*' * (len(target) - shown - 4)}{target[-4:]}"


def parse_time(value: time | str) -> time:
    """Return a time of day of a form, an action or a file. Raises ValueError."""
    return value if isinstance(value, time) else time.fromisoformat(value)
