"""Words of the places."""

from enum import StrEnum
from typing import Final


class PlaceKind(StrEnum):
    """What a place is."""

    BUILDING = "building"
    STAIRWELL = "stairwell"
    #: These two are a unit of the register: what it is called and where it is stands there.
    UNIT = "unit"
    SHOP = "shop"
    BIKE_PARKING = "bike_parking"
    CHARGING = "charging"
    #: A roof, a pump room, a playground: everybody's.
    SHARED = "shared_place"


#: Kinds of places that are a unit of the register.
OF_UNIT: Final = frozenset({PlaceKind.UNIT, PlaceKind.SHOP})
#: What a place is known by, apart from its kind: more than these would be nobody's.
NEEDED: Final = {
    PlaceKind.BUILDING: ("building",),
    PlaceKind.STAIRWELL: ("building", "stairwell"),
    PlaceKind.BIKE_PARKING: ("name",),
    PlaceKind.CHARGING: ("name",),
    PlaceKind.SHARED: ("name",),
}


class Grade(StrEnum):
    """The base colour of a plate, where a property grades its places."""

    BLUE = "blue"
    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


class PartyRole(StrEnum):
    """What a person or an organisation is to a place."""

    RESPONSIBLE = "responsible"
    OPERATOR = "operator"
    OWNER = "owner"


class Finding(StrEnum):
    """What somebody has found who was there."""

    IN_ORDER = "in_order"
    NOBODY_THERE = "nobody_there"
    NOT_AS_REGISTERED = "not_as_registered"
    HAZARD = "hazard"
    NOT_LET_IN = "not_let_in"


#: Bytes of a code's token: 128 bits (22 letters, digits, - and _).
TOKEN_BYTES: Final = 16
#: Part of the options.
CONF_PLACES: Final = "places"
CONF_STATION: Final = "station"
CONF_STATION_PHONE: Final = "station_phone"
CONF_OFFICE_PHONE: Final = "office_phone"
CONF_MEETING_POINT: Final = "meeting_point"
