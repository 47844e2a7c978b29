"""What is sent to an address: title, text, links and buttons, in its language."""

from collections.abc import Callable

from homeassistant.core import HomeAssistant, callback

from . import texts
from .channels.base import Channel, Message, RefusedError
from .const import (
    ACTION_PREFIX,
    ALL_CLEAR,
    ANSWERS,
    HELP_STEP,
    About,
    Severity,
    Wording,
)
from .facts import FactFinder
from .help import Helpers
from .links import AlertLinks
from .models import Alert, Delivery, severity_of
from .people import Found
from .planning import DUTIES

#: Language; if it is a call for help; for who responds; for who lives in a unit of it. Of
#: what is about a person: language, and the role of who hears of them.
type _For = tuple[str, bool, bool, bool] | tuple[str, str]


class Composer:
    """Writes the messages of the open alerts."""

    def __init__(
        self,
        hass: HomeAssistant,
        links: AlertLinks,
        helpers: Helpers,
        facts: FactFinder,
        unit_name: Callable[[str | None], str],
        *,
        title: Callable[[], str],
    ) -> None:
        """Initialize; `title` returns what the property is called."""
        self._hass = hass
        self._links = links
        self._helpers = helpers
        self._facts = facts
        self._unit_name = unit_name
        self._title = title
        #: Title and text of an alert by language, and for whom it is.
        self._written: dict[str, dict[_For, tuple[str, str]]] = {}

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
        key: _For
        if alert.about != About.PLACE:
            key = language, delivery.role
            if key not in written:
                written[key] = self._write_personal(alert, delivery.role, language)
        else:
            is_help = delivery.step == HELP_STEP
            # A robot and a loudspeaker say who needs help, and nothing that is personal.
            responds = delivery.role in DUTIES or (is_help and to_person)
            key = language, is_help, responds, delivery.unit_id is not None
            if key not in written:
                written[key] = self._write(alert, *key)
        title, text = written[key]
        if (
            alert.about == About.WELFARE
            and to_person
            and channel.options.get("replies")
        ):
            said = texts.texts(language)["personal"]["welfare"]["reply"]
            text = texts.join([text, said], language)
        button = self._links.token(delivery, "button") if asks else ""
        return Message(
            delivery_id=delivery.id,
            alert_id=alert.id,
            alarm_id=alert.alarm_id,
            severity=severity_of(alert, delivery),
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
            keys=texts.keys(alert, language) if asks else "",
            callback=self._links.callback_url(alert, delivery)
            if to_person and channel.wants_callback
            else "",
            receipt=self._links.token(delivery, "receipt"),
            buttons=tuple(
                (f"{ACTION_PREFIX}_{button}_{answer}", answer, title)
                for answer, title in texts.buttons(alert, language)
                if asks
            ),
        )

    def _write(
        self,
        alert: Alert,
        language: str,
        is_help: bool,
        responds: bool,
        lives_there: bool,
    ) -> tuple[str, str]:
        """Return title and text: who responds gets the facts, who lives there what to do."""
        calls = self._helpers.of(alert)
        names = [self._unit_name(row.unit_id) or alert.place for row in calls.open]
        units = ", ".join(dict.fromkeys(names))
        parts = [texts.body(alert, language, advise=lives_there or not responds)]
        if responds:
            parts += texts.facts(self._facts.of(alert), language)
        if (responds or is_help) and units:
            parts.insert(0, texts.help_body(alert, units, language))
        head = texts.help_title(alert, units, language) if is_help else ""
        return head or texts.title(alert, language), texts.join(parts, language)

    def _write_personal(
        self, alert: Alert, role: str, language: str
    ) -> tuple[str, str]:
        name = self._facts.of(alert).name if role == Wording.RELATIVES else ""
        unit = self._unit_name(alert.unit_id)
        about = texts.who(name, unit, language) or self._title()
        return texts.personal(alert, role, about, language)

    @callback
    def said(self, alert: Alert, delivery: Delivery, language: str) -> tuple[str, str]:
        """Return title and text as the page behind a delivery's link shows them."""
        if alert.about != About.PLACE:
            return self._write_personal(alert, delivery.role, language)
        return texts.title(alert, language), texts.body(alert, language)


def is_question(alert: Alert) -> bool:
    """Return if somebody has to answer: what is over, and mere news, is only told.

    A message is news unless its policy wants an answer of each unit, as a roll call does.
    """
    if alert.about != About.PLACE:
        return bool(ANSWERS[About(alert.about)])
    return alert.hazard not in ALL_CLEAR and (
        alert.severity != Severity.MESSAGE or bool(alert.policy["each_unit"])
    )
