"""Who lives in the compound, and who comes when it burns: roles, and no people.

Their numbers are of the range 202-555-01xx, which is kept for fiction and belongs to nobody.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from .compound import COORDINATOR_PLACES, PLACES, Names

NUMBER = "+120255501{:02}"
#: The number that calls come from.
CALLER = NUMBER.format(0)
TENANTS_PER_UNIT = 2


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody with a phone. `role` is landlord, tenant, or the duty of a responder."""

    id: str
    role: str
    #: The id of the unit's place; none for a responder.
    place: str | None
    #: By language.
    names: Names
    number: str


def _rows() -> Iterator[tuple[str, str, str | None, Names]]:
    yield "fire-post", "fire_post", None, ("Fire post", "微型消防站", "微型消防站")
    yield (
        "property-office",
        "property_office",
        None,
        ("Property office", "物业办公室", "物業辦公室"),
    )
    for place in (*PLACES, *COORDINATOR_PLACES):
        unit = place.id
        if unit.count("-") != 2:
            continue
        names = (f"Landlord of {unit}", f"{unit} 房东", f"{unit} 房東")
        yield f"{unit}-landlord", "landlord", unit, names
        for number in range(1, TENANTS_PER_UNIT + 1):
            tenant = f"{unit} 租客 {number}"
            names = (f"Tenant {number} of {unit}", tenant, tenant)
            yield f"{unit}-tenant-{number}", "tenant", unit, names


RESIDENTS = tuple(
    Resident(*row, NUMBER.format(index)) for index, row in enumerate(_rows(), 1)
)


def masked(number: str) -> str:
    """Return as much of a number as tells whose it is."""
    return f"{number[:3]}{'*' * (len(number) - 7)}{number[-4:]}"
