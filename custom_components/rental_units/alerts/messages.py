"""What is sent to an address: title, text, links and buttons, in its language."""

from homeassistant.core import HomeAssistant, callback

from . import texts
from .channels.base import Channel, Message, RefusedError
from .const import ACTION_PREFIX, ALL_CLEAR, Severity
from .links import Links
from .models import Alert, Delivery
from .people import Found


class Composer:
    """Writes the messages of the open alerts."""

    def __init__(self, hass: HomeAssistant, links: Links) -> None:
        """Initialize."""
        self._hass = hass
        self._links = links
        #: Title and text of an alert by language.
        self._written: dict[str, dict[str, tuple[str, str]]] = {}

    @callback
    def forget(self, alert: Alert) -> None:
        """Drop what was written for an alert that is over."""
        self._written.pop(alert.id, None)

    @callback
    def message(
        self,
        alert: Alert,
        delivery: Delivery,
        channel: Channel,
        found: Found | None,
    ) -> Message:
        """Return what is sent. Raises RefusedError when nobody is behind the address."""
        if found is None:
            raise RefusedError("address_gone")
        recipient, address = found
        language = recipient.language if recipient else self._hass.config.language
        to_person = recipient is not None
        asks = to_person and is_question(alert)
        written = self._written.setdefault(alert.id, {})
        if language not in written:
            written[language] = (
                texts.title(alert, language),
                texts.body(alert, language),
            )
        title, text = written[language]
        return Message(
            delivery_id=delivery.id,
            alert_id=alert.id,
            alarm_id=alert.alarm_id,
            severity=Severity(alert.severity),
            hazard=alert.hazard,
            drill=alert.drill,
            language=language,
            title=title,
            text=text,
            place=alert.place,
            step=delivery.step,
            round=delivery.round,
            to=address if isinstance(address, str) else address.target,
            link=self._links.answer_url(delivery) if asks else "",
            callback=self._links.callback_url(alert, delivery)
            if to_person and channel.wants_callback
            else "",
            buttons=tuple(
                (f"{ACTION_PREFIX}_{delivery.id}_{answer}", answer, title)
                for answer, title in texts.buttons(language)
                if asks
            ),
        )


def is_question(alert: Alert) -> bool:
    """Return if somebody has to answer: what is over, and mere news, is only told.

    A message is news unless its policy wants an answer of each unit, as a roll call does.
    """
    return alert.hazard not in ALL_CLEAR and (
        alert.severity != Severity.MESSAGE or bool(alert.policy["each_unit"])
    )
