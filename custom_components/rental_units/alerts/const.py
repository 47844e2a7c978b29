"""Words of the alerts: severities, states, answers, and the figures they are held to."""

from enum import StrEnum
from typing import Final

#: The integration of the alarms: asked what is cut, and told who is on the way.
CORE: Final = "community_safety"
EVENT_ALERT: Final = "rental_units_alert"
#: Prefix of the app's buttons: what follows is the delivery's id and the answer.
ACTION_PREFIX: Final = "RENTAL_UNITS"
#: Prefix of the app's tags: what follows is the alert's id, or what names a delivery without buttons.
TAG_PREFIX: Final = "rental_units_"


class Severity(StrEnum):
    """How bad it is; the same words as the alarms of a house, and one for mere news."""

    ALARM = "alarm"
    WARNING = "warning"
    FAULT = "fault"
    MESSAGE = "message"


#: Who goes first where something has to wait.
RANK: Final = {
    Severity.ALARM: 0,
    Severity.WARNING: 1,
    Severity.FAULT: 2,
    Severity.MESSAGE: 3,
}

#: News that ends an alarm: who was woken by it hears at once that it is over.
ALL_CLEAR: Final = frozenset({"all_clear", "false_alarm"})

#: How long in seconds a message is worth delivering: a fire of an hour ago is no news.
VALIDITY: Final = {
    Severity.ALARM: 300.0,
    Severity.WARNING: 3600.0,
    Severity.FAULT: 86_400.0,
    Severity.MESSAGE: 86_400.0,
}

#: Seconds before the next try of a delivery that was certainly not made; then the last.
BACKOFF: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)

#: Failures in a row after which a provider is shown in the repairs.
FAILING_AFTER: Final = 5


class AlertState(StrEnum):
    """Life of an alert."""

    ACTIVE = "active"
    ACKNOWLEDGED = "acknowledged"
    CANCELLED = "cancelled"
    ENDED = "ended"


OPEN: Final = frozenset({AlertState.ACTIVE, AlertState.ACKNOWLEDGED})


class DeliveryState(StrEnum):
    """Life of a delivery. Each change is a row on disk."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    RECEIVED = "received"
    ANSWERED = "answered"
    FAILED = "failed"
    EXPIRED = "expired"


class About(StrEnum):
    """What an alert is about, and so who may know of it."""

    #: What has happened somewhere: for all who are there, or have to come.
    PLACE = "place"
    #: One person, who is asked if all is well.
    WELFARE = "welfare"
    #: The same person, who has not answered: those named look in, or come because help is
    #: called for; and that it is over.
    LOOK_IN = "look_in"
    HELP = "help"
    OVER = "over"


class Answer(StrEnum):
    """What a person can say to an alert."""

    ON_MY_WAY = "on_my_way"
    SAFE = "safe"
    NEED_HELP = "need_help"
    FALSE_ALARM = "false_alarm"
    FINE = "fine"
    OUT = "out"
    ALL_WELL = "all_well"
    HELP = "help"


class Wording(StrEnum):
    """In which words somebody hears of a person: it is their role in such an alert."""

    #: The person.
    ASKED = "asked"
    #: They hear who it is, and where; all others only where.
    RELATIVES = "relatives"
    NEIGHBOURS = "neighbours"
    DOOR = "door"


_LOOKED: Final = (Answer.ON_MY_WAY, Answer.ALL_WELL, Answer.HELP)
#: What can be answered, in the order of the phone's keys as the voice names them.
ANSWERS: Final = {
    About.PLACE: (
        *(Answer.ON_MY_WAY, Answer.SAFE, Answer.NEED_HELP, Answer.FALSE_ALARM),
    ),
    About.WELFARE: (Answer.FINE, Answer.OUT, Answer.HELP),
    About.LOOK_IN: _LOOKED,
    About.HELP: _LOOKED,
    About.OVER: (),
}
#: Those that call for help.
URGENT: Final = frozenset({Answer.NEED_HELP, Answer.HELP})


def pressed_key(about: str, key: str) -> Answer | None:
    """Return what a phone's key answers; None for no key, or one that answers nothing."""
    answers = {str(number): row for number, row in enumerate(ANSWERS[About(about)], 1)}
    return answers.get(key)


class Progress(StrEnum):
    """What the event and the event entity tell."""

    RAISED = "raised"
    JOINED = "joined"
    ESCALATED = "escalated"
    ANSWERED = "answered"
    NEED_HELP = "need_help"
    HELP_CLOSED = "help_closed"
    ACKNOWLEDGED = "acknowledged"
    CANCELLED = "cancelled"
    ENDED = "ended"
    UNANSWERED = "unanswered"


#: Steps of messages that are no step of a policy: about calls for help, and those that
#: somebody has sent to everybody once more.
HELP_STEP: Final = -1
AGAIN_STEP: Final = -2
#: The channel of an answer that somebody gives in a panel, whatever had reached them.
PANEL: Final = "panel"

#: Answers by which somebody who decides takes an alert over.
TAKING: Final = frozenset({Answer.ON_MY_WAY, Answer.FALSE_ALARM})
#: Answers by which a unit has shown that its people are accounted for.
ACCOUNTED: Final = frozenset({Answer.SAFE, Answer.FALSE_ALARM})
