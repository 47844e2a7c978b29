"""Reading cards at a desk: which card it is, and whose, for who may know that."""

from dataclasses import dataclass, field
from typing import Final, override

from sqlalchemy import exists, select

from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import device_registry as dr

from ..access_control import numbers
from ..access_control.models import Card, Door
from ..access_control.readers import DATA_READERS, ReadingError
from ..const import DOMAIN, Reason
from ..register.models import Person
from ..storage.vault import Vault
from .application import Application
from .cards import Answer, card_of, describe
from .work import Command, NotCoveredError, Work, refused

#: The other integration, whose devices controllers are.
_COMMUNITY_SAFETY: Final = "community_safety"


@dataclass(frozen=True, slots=True)
class UseReader(Command[None]):
    """Wait for a card at a reader: one of a controller of this property, or of nobody's."""

    name = "read_card"
    device_id: str
    #: There is no other property whose it could be.
    is_only: bool

    @override
    def run(self, work: Work) -> None:
        work.audit()
        if not self.is_only and not work.session.scalar(
            select(exists().where(Door.device_id == self.device_id))
        ):
            raise refused("reader_not_ours")


@dataclass(frozen=True, slots=True)
class IdentifyCard(Command[Answer]):
    """Return if a card is known here; whose it is, to who may see their cards."""

    name = "read_card"
    box: Vault
    number: str = field(repr=False)

    @override
    def run(self, work: Work) -> Answer:
        card = numbers.find(work.session, self.box, self.number)
        answer: Answer = {
            "card_number": numbers.mask(numbers.shown(self.number)),
            "is_known": card is not None,
            "card": None,
            "person_id": None,
            "name": None,
        }
        if card and card.person_id and _may_see(work, card):
            work.audit(card.unit_id, card.person_id)
            person = work.session.get(Person, card.person_id)
            answer |= {
                "card": describe(card, work.hand.now),
                "person_id": card.person_id,
                "name": work.named(person.name, None) if person else None,
            }
        return answer


def _may_see(work: Work, card: Card) -> bool:
    if work.caller.may("get_cards", work.why) is None:
        return False
    try:
        card_of(work, card.id)
    except NotCoveredError:
        return False
    return True


def controller_of(hass: HomeAssistant, device_id: str) -> str:
    """Return the id of a controller. Raises ServiceValidationError if it is none."""
    device = dr.async_get(hass).async_get(device_id)
    if not device or not any(
        domain == _COMMUNITY_SAFETY for domain, *_ in device.identifiers
    ):
        raise refused("no_such_controller")
    return device.id


async def async_read_card(
    hass: HomeAssistant,
    application: Application,
    context: Context,
    why: Reason,
    *,
    device_id: str,
    door: str,
) -> Answer:
    """Wait for the next card at a reader; return what is to be known of it.

    Raises Unauthorized, RegisterError, ServiceValidationError if there was none, or two.
    """
    await application.async_authorize(context, UseReader.name, why)
    controller_of(hass, device_id)
    # One that is not loaded may have assigned its doors, too.
    entries = hass.config_entries.async_entries(
        DOMAIN, include_ignore=False, include_disabled=False
    )
    is_only = len(entries) == 1
    await application.async_do(UseReader(device_id, is_only), context, why)
    readers = hass.data[DATA_READERS]
    try:
        number = await readers.async_next(device_id, door, context.user_id)
    except ReadingError as err:
        raise refused(err.key) from None
    register = application.register
    answer = await application.async_do(
        IdentifyCard(Vault(register.keys), number), context, why
    )
    reading_id = readers.keep(number, register.entry.entry_id, context.user_id)
    return {"reading_id": reading_id, **answer}


def number_of(
    hass: HomeAssistant,
    application: Application,
    context: Context,
    card_number: str | None,
    reading_id: str | None,
) -> str:
    """Return the number of a card that is to be issued: as it was written, or read.

    Raises ServiceValidationError.
    """
    if card_number is not None:
        return card_number
    if reading_id is None:
        raise refused("card_number_missing")
    number = hass.data[DATA_READERS].number(
        reading_id, application.register.entry.entry_id, context.user_id
    )
    if number is None:
        raise refused("reading_over")
    return number
