"""Constants of the rental units."""

from enum import StrEnum
import logging
from typing import Final

from homeassistant.const import Platform

DOMAIN: Final = "rental_units"
LOGGER = logging.getLogger(__package__)

CONF_DATABASE: Final = "database"
CONF_URL: Final = "url"
CONF_KEEP_DAYS: Final = "keep_days"
CONF_KEEP_AUDIT_DAYS: Final = "keep_audit_days"

#: Days after its end that a lease is kept, and days that an audit row is kept.
DEFAULT_KEEP_DAYS: Final = 365
DEFAULT_KEEP_AUDIT_DAYS: Final = 1095

SUBENTRY_UNIT: Final = "unit"
SUBENTRY_RESPONDER: Final = "responder"
SUBENTRY_DESK: Final = "desk"

LANGUAGES: Final = ("en", "zh-Hans", "zh-Hant")

PLATFORMS: Final = (
    Platform.BINARY_SENSOR,
    Platform.CALENDAR,
    Platform.EVENT,
    Platform.NOTIFY,
    Platform.SENSOR,
    Platform.TODO,
)


class Role(StrEnum):
    """What a person is to a unit."""

    LANDLORD = "landlord"
    TENANT = "tenant"


class PartyKind(StrEnum):
    """What somebody is who can be told: an organisation is a party like a person."""

    PERSON = "person"
    ORGANISATION = "organisation"


class Duty(StrEnum):
    """Who comes when it burns."""

    FIRE_POST = "fire_post"
    PROPERTY_OFFICE = "property_office"
    POLICE = "police"
    VOLUNTEER = "volunteer"


class Channel(StrEnum):
    """The way to a person."""

    PUSH = "push"
    SMS = "sms"
    CALL = "call"
    EMAIL = "email"
    WEBHOOK = "webhook"
    NOTIFY = "notify"


class Reason(StrEnum):
    """Why somebody read or changed personal data. No free text: it could name a person."""

    ALARM = "alarm"
    MANAGEMENT = "management"
    INSPECTION = "inspection"
    REQUEST = "request"


class ConsentScope(StrEnum):
    """What somebody can consent to."""

    #: A watch for signs of life.
    INACTIVITY = "inactivity"
    PHOTOS = "photos"
    #: Rounds: to be visited at home, at least so often.
    VISITS = "visits"


class Letting(StrEnum):
    """How a unit is let."""

    WHOLE = "whole"
    SHARED = "shared"
    DORMITORY = "dormitory"
    SHORT_TERM = "short_term"
    OWNER = "owner"
