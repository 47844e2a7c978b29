"""Words of the cards."""

from enum import StrEnum
from typing import Final


class Holder(StrEnum):
    """Why somebody has a card."""

    #: They live in a unit, or own it: until the end of their leases.
    LEASE = "lease"
    #: They visit a unit, at hours that were said.
    VISITOR = "visitor"
    STAFF = "staff"
    VOLUNTEER = "volunteer"


#: Days that a card without a lease is for at the longest.
MOST_DAYS: Final = {Holder.VISITOR: 31, Holder.STAFF: 366, Holder.VOLUNTEER: 366}


class Medium(StrEnum):
    """What somebody shows: it opens what has a list of such."""

    CARD = "card"
    #: Of a vehicle: it opens vehicle gates.
    PLATE = "plate"


class Decision(StrEnum):
    """What people have decided about a card."""

    REQUESTED = "requested"
    ISSUED = "issued"
    SUSPENDED = "suspended"
    LOST = "lost"
    REVOKED = "revoked"


class Proof(StrEnum):
    """What is known of a card at one controller."""

    PENDING = "pending"
    #: It was read back: there as it is to be, or gone.
    PROVEN = "proven"
    #: It was taken, by what has a list that nobody can read.
    SENT = "sent"
    UNPROVEN = "unproven"


class State(StrEnum):
    """What a card comes to: what was decided, and what controllers have proven of it."""

    REQUESTED = "requested"
    #: It is in the register, and no controller is to have it now.
    REGISTERED = "registered"
    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    REVOKED = "revoked"
    LOST = "lost"
    #: Somewhere it was sent to what cannot prove it; elsewhere it is proven.
    SENT = "sent"
    UNPROVEN = "unproven"


#: Digits of a number that are shown.
SHOWN_DIGITS: Final = 4
#: Days for which a card whose holder's lease has no end is written into controllers, and so
#: many before that it is written anew: nobody wants a letter from each board every night.
HORIZON_DAYS: Final = 366
RENEW_DAYS: Final = 183
#: What was not proven is tried again by Community Safety, after five minutes and when the
#: controller is back; by us only if it has forgotten that, in seconds. And what was overtaken.
RETRY_SECONDS: Final = 900
OVERTAKEN_SECONDS: Final = 30
#: What was only sent is sent again after so long, in seconds: a camera that was changed for
#: another has nothing.
RESEND_SECONDS: Final = 86_400
#: So long after its end a card is left to Community Safety, which removes it by itself.
GRACE_SECONDS: Final = 45

#: Reasons of ours why something is unproven, beside those of Community Safety.
KEY_LOST: Final = "key_lost"
REFUSED: Final = "refused"
NO_ANSWER: Final = "no_answer"
#: Those of a controller that is away: others need not be asked for.
AWAY: Final = frozenset({"gone", "not_connected", NO_ANSWER, "no_door_controller"})
