"""People as the rest of the sidecar sees them, and how they are written down."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import time
from enum import StrEnum
from typing import Any, override

from ..const import LANGUAGES, Channel
from .addresses import KINDS, PHONE, PHONE_CHANNELS, by_kind, invalid, mask
from .models import ContactAddress, Person

#: Where Chinese is written in traditional signs; a script that is named says so itself.
_TRADITIONAL = {"hant", "tw", "hk", "mo"}
#: From and until; twice None for no quiet hours.
type Quiet = tuple[time, time] | tuple[None, None]


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
    #: None: the person's.
    language: str | None = None

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
    quiet: Quiet | None = None
    #: Language and quiet hours are for the addresses of these channels; None: for all.
    only: tuple[Channel, ...] | None = None

    @override
    def __repr__(self) -> str:
        return f"Contact({mask(self.phone or '')})"

    def apply(self, person: Person) -> None:
        """Write what is said over a person's row. Raises ServiceValidationError."""
        before = _known(person)
        self._write(person)
        if _known(person) != before:
            person.version = (person.version or 0) + 1

    def _write(self, person: Person) -> None:
        if self.name:
            person.name = self.name
        targets = dict(self.direct)
        if self.phone is not None:
            for channel in PHONE_CHANNELS:
                used = channel in self.phone_channels
                targets[channel] = self.phone if used else ""
        for channel, target in targets.items():
            if target is not None:
                _put(person, channel, target)
        addresses = [
            row
            for row in person.addresses
            if self.only is None or row.channel in self.only
        ]
        if self.only and not addresses:
            raise invalid("no_such_address")
        for address in addresses:
            if self.quiet is not None:
                address.quiet_from, address.quiet_until = self.quiet
            if self.only and self.language:
                address.language = self.language
        if self.language and not self.only:
            person.language = self.language


def _known(person: Person) -> tuple[Any, ...]:
    """Return what a contact can change of a person."""
    return (
        person.name,
        person.language,
        {
            (row.channel, row.target, row.quiet_from, row.quiet_until, row.language)
            for row in person.addresses
        },
    )


def _put(person: Person, channel: Channel, target: str) -> None:
    """Give a person one address of a channel, or none.

    Who was written down twice, and merged, may have more: an empty one removes them all.
    """
    known = [row for row in person.addresses if row.channel == channel]
    if target in [row.target for row in known]:
        return
    if known and target:
        known[0].lead_to(target)
    elif known:
        for row in known:
            person.addresses.remove(row)
    elif target:
        start, until = quiet_of(person)
        person.addresses.append(
            ContactAddress(
                channel=channel, target=target, quiet_from=start, quiet_until=until
            )
        )


def quiet_of(person: Person) -> Quiet:
    """Return the quiet hours that a form shows: those of the first address with any."""
    hours = ((row.quiet_from, row.quiet_until) for row in person.addresses)
    return next(
        ((start, until) for start, until in hours if start and until), (None, None)
    )


def parse_contact(data: Mapping[str, Any], region: str | None) -> Contact:
    """Return the contact in the fields of a form. Raises ServiceValidationError."""
    channels, only = data.get("channels"), data.get("only")
    phone = PHONE.parse(data.get(PHONE.key), region)
    if phone and channels is not None and not channels:
        raise invalid("phone_without_use")
    return Contact(
        name=(data.get("name") or "").strip() or None,
        phone=phone,
        phone_channels=PHONE_CHANNELS
        if channels is None
        else tuple(Channel(channel) for channel in channels),
        direct=_direct(data, region),
        language=data.get("language"),
        quiet=_quiet(data.get("quiet_from"), data.get("quiet_until")),
        only=tuple(Channel(channel) for channel in only) if only else None,
    )


def _direct(data: Mapping[str, Any], region: str | None) -> dict[Channel, str | None]:
    """Return the addresses of one channel each: None where nothing is said."""
    said: dict[Channel, str | None] = {}
    for kind in KINDS:
        if kind is PHONE:
            continue
        (channel,) = kind.channels
        value, other = kind.parse(data.get(kind.key), region), said.get(channel)
        if value and other:
            raise invalid("person_and_phone")
        said[channel] = value or other or (other if value is None else value)
    return said


def contact_of(
    fields: Mapping[str, Any],
    keys: Iterable[str],
    person: Person | None,
    region: str | None,
) -> Contact:
    """Return the contact in a form with these fields. Raises ServiceValidationError.

    The form of a person who is known shows everything: what is absent was emptied, what
    is shown in an address's place is the known one, and quiet hours that were not touched
    are not said.
    """
    values: dict[str, Any] = {key: fields.get(key) for key in keys}
    if person:
        values = {
            key: value if key == "channels" else value or ""
            for key, value in values.items()
        }
        for kind, target in by_kind(person.addresses):
            if values.get(kind.key) == kind.hide(target):
                values[kind.key] = target
    contact = parse_contact(values, region)
    if not contact.name:
        raise invalid("name_missing")
    if person and contact.quiet == quiet_of(person):
        return replace(contact, quiet=None)
    return contact


def _quiet(start: time | str | None, until: time | str | None) -> Quiet | None:
    """Return quiet hours; None if they are not said, twice None if they were emptied."""
    if start and until:
        quiet = parse_time(start), parse_time(until)
        if quiet[0] == quiet[1]:
            # The whole day, or never: nobody can tell which is meant.
            raise invalid("quiet_half")
        return quiet
    if start or until:
        raise invalid("quiet_half")
    return None if start is None or until is None else (None, None)


def parse_time(value: time | str) -> time:
    """Return a time of day of a form, an action or a file. Raises ValueError."""
    return value if isinstance(value, time) else time.fromisoformat(value)


def default_language(language: str) -> str:
    """Return the language for somebody of whom none is known, by that of the house."""
    if language in LANGUAGES:
        return language
    primary, *parts = language.casefold().replace("_", "-").split("-")
    if primary != "zh":
        return "en"
    return "zh-Hant" if _TRADITIONAL & set(parts) else "zh-Hans"
