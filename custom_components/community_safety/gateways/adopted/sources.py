"""One entity that carries a reading, and what of its states is the device's own word.

Home Assistant knows states, and not where they are from. So here, in `Source.take` and
nowhere else, it is decided whether a state that was written is the device's own word: only
that is a sign of life, ends a danger, and proves a cut-off. Everything else may raise an
alarm, and is evidence of nothing. There are four things that look like a word and are none:

- **A memory**: what an entity says first in a run, and after it has said nothing. It may be
  restored, kept, or what its class begins with.
- **A guess**: what an integration itself calls assumed, and the calm of an entity that is
  calculated from others: it is calm as well while those are away.
- **An echo**: what an integration writes because we have asked it, and is the same as
  before: many write their old state when nobody has answered. A coordinator does not: its
  entities are unavailable then.
- **A hope**: what a switch shows because it was told to, whoever told it, and on whatever
  way that has come. It stays one until the switch shows something else, a coordinator was
  asked since, or the load has told that it is so (`Source.prove`).

Of a camera's entity only one thing counts, and that at once: that it is available.
"""

from contextvars import ContextVar
from dataclasses import dataclass, field
import time
from typing import Any

from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.components.switch import DOMAIN as SWITCH
from homeassistant.const import (
    ATTR_ASSUMED_STATE,
    ATTR_DOMAIN,
    ATTR_SERVICE,
    ATTR_UNIT_OF_MEASUREMENT,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    Platform,
)
from homeassistant.core import Event, State, callback
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ...catalogue.measurements import Value, parse_point
from ..loads import EFFECT_SECONDS
from .proposals import GROUP, converter

#: Integrations whose entities are available only as long as a subscription of theirs to the
#: device is alive, which begins with all that it measures (Matter core specification, 8.5):
#: what such an entity says is the device's word, and that it is there is a sign of life.
PRIMED = frozenset({"matter"})
#: Integrations whose switches show nothing but what the device has told: they write no state
#: of their own when they send a command. To be added to only after a look at their code.
REPORTING = frozenset({"esphome", "matter", "shelly"})
#: An integration that asks its devices says so in its manifest; `local` without a cloud.
_POLLING, _LOCAL_POLLING = "polling", "local_polling"
#: An integration that makes entities of others says so in its manifest; this one does not.
_CALCULATED, TEMPLATE = "calculated", "template"


@dataclass(frozen=True, slots=True)
class Command:
    """What we have last told a switch; `at` is monotonic."""

    value: bool
    at: float

    @property
    def is_recent(self) -> bool:
        """Return if what the switch or its load does now is its doing."""
        return time.monotonic() - self.at < EFFECT_SECONDS


@dataclass(slots=True)
class Told:
    """What switches were told, and what they show because of it.

    It is kept beside the gateway: a reload in the middle of a command forgets nothing.
    """

    #: Our last command to each switch, by its ref.
    commands: dict[str, Command] = field(default_factory=dict)
    #: What each shows in hope, by its ref.
    hopes: dict[str, str] = field(default_factory=dict)
    #: The state that a call of an action wants, None for more than one, by its context: Home
    #: Assistant gives that to what the entity writes in the next seconds, in any thread.
    calls: dict[str, tuple[float, str | None]] = field(default_factory=dict)

    @callback
    def called(self, event: Event[dict[str, Any]]) -> None:
        """Take that somebody calls an action."""
        if event.data[ATTR_DOMAIN] != SWITCH:
            return
        wanted = {SERVICE_TURN_OFF: STATE_OFF, SERVICE_TURN_ON: STATE_ON}.get(
            event.data[ATTR_SERVICE]
        )
        now, context = time.monotonic(), event.context.id
        self.calls = {
            key: call
            for key, call in self.calls.items()
            if now - call[0] < EFFECT_SECONDS
        }
        if self.calls.get(context, (now, wanted))[1] != wanted:
            # A scene turns some on and others off.
            wanted = None
        self.calls[context] = (now, wanted)

    def is_answer(self, context: str, shown: str) -> bool:
        """Return if a state may be written only because of a call."""
        return context in self.calls and self.calls[context][1] in (None, shown)


TOLD: HassKey[Told] = HassKey("community_safety_told")


@dataclass(slots=True)
class Question:
    """What we ask an integration to read, and when: a monotonic time."""

    at: float
    is_coordinated: bool
    is_running: bool = True


#: The question in whose course something is done: tasks that it begins have it too, and
#: some outlive it.
QUESTION: ContextVar[Question | None] = ContextVar("question", default=None)


@dataclass(eq=False, slots=True)
class Source:
    """An entity that carries the reading `key`; `ref` names it in the registry.

    `integration` is the one that it is of, and `iot_class` how that one hears of devices.
    """

    key: str
    ref: str
    integration: str | None
    iot_class: str | None
    told: Told
    #: Where it is now, None while it is not registered or disabled.
    entity_id: str | None = None
    #: If it says nothing, also for so long that it is a fault.
    is_absent: bool = True
    is_silent: bool = False
    #: The last that it has shown in this run, and what that means.
    last: str | None = None
    value: Value | None = None
    #: If the device itself has said that, since the entity was last absent.
    is_own: bool = False
    #: If a template says itself when it knows nothing.
    has_availability: bool = False

    @property
    def can_be_asked(self) -> bool:
        """Return if it costs nobody's quota to ask it every other minute."""
        return self.iot_class == _LOCAL_POLLING

    @property
    def is_polled(self) -> bool:
        """Return if its integration asks the device, also when it is asked to."""
        return (self.iot_class or "").endswith(_POLLING)

    @property
    def is_primed(self) -> bool:
        """Return if it is there only while the device is, and then says how that is."""
        return self.integration in PRIMED or self.is_picture

    @property
    def is_picture(self) -> bool:
        """Return if it is a camera, whose being available is all that it says."""
        domain = (self.entity_id or "").partition(".")[0]
        name = parse_point(self.key).measurement.key
        return domain == Platform.CAMERA and name == "video_lost"

    @property
    def is_unusable(self) -> bool:
        """Return if it says something that means nothing."""
        return not self.is_absent and self.value is None

    @property
    def hope(self) -> str | None:
        """Return what it shows because it was told to."""
        return self.told.hopes.get(self.ref)

    def take(self, state: State | None, context: str = "") -> bool | None:
        """Take a state that was written; return if it is the device's own word.

        None if it says nothing. `context` is the id of the event's: of a state that is
        written again, its own is an older one. The rules are told above.
        """
        if state is None or state.state in (STATE_UNAVAILABLE, STATE_UNKNOWN):
            self.is_absent, self.is_own, self.value = True, False, None
            return None
        was_absent = self.is_absent
        self.is_absent = self.is_silent = False
        before, self.last = self.last, state.state
        question = QUESTION.get()
        if question and not question.is_running:
            question = None
        is_own = not (
            self._is_hope(state.state, before, context, question)
            or (was_absent and not self.is_primed)
            or (question and not question.is_coordinated and state.state == before)
            or self._is_guess(state)
        )
        if is_own:
            self.told.hopes.pop(self.ref, None)
        # What it has said once holds until it shows something else.
        self.is_own = is_own or (self.is_own and state.state == before)
        return is_own

    def prove(self) -> None:
        """Take that what it shows is so: the load has told."""
        self.told.hopes.pop(self.ref, None)
        self.is_own = True

    def _is_guess(self, state: State) -> bool:
        if state.attributes.get(ATTR_ASSUMED_STATE):
            return True
        is_calculated = (
            self.iot_class == _CALCULATED
            or self.integration == GROUP
            or (self.integration == TEMPLATE and not self.has_availability)
        )
        return is_calculated and (state.state == STATE_OFF or self._is_supply)

    @property
    def _is_supply(self) -> bool:
        return parse_point(self.key).measurement.key == "supply"

    def _is_hope(
        self, shown: str, before: str | None, context: str, question: Question | None
    ) -> bool:
        """Return if a switch may show something only because it was told to."""
        if not self._is_supply or self.integration in REPORTING:
            return False
        told = self.told
        command = told.commands.get(self.ref)
        if question and question.is_coordinated:
            # It was read, unless that had begun before the command.
            if command is None or question.at >= command.at:
                return False
        if self.hope == shown:
            return True
        is_answer = told.is_answer(context, shown)
        is_wanted = (
            command is not None
            and command.is_recent
            and shown == (STATE_ON if command.value else STATE_OFF)
        )
        if not (is_answer or is_wanted):
            return False
        if self.is_own and shown == before:
            # It had said so before anybody told it to. What is written at once is no more.
            return is_answer
        told.hopes[self.ref] = shown
        return True

    def read(self, state: State) -> Value:
        """Return the value of a state that says something, in our unit. Raises ValueError."""
        measurement = parse_point(self.key).measurement
        if self.is_picture:
            return False
        if measurement.sensor_class is SensorDeviceClass.TIMESTAMP:
            at = dt_util.parse_datetime(state.state)
            if at is None or at.tzinfo is None:
                raise ValueError(f"{measurement.key}: no time")
            return at.timestamp()
        if not measurement.is_number:
            if state.state not in (STATE_ON, STATE_OFF):
                raise ValueError("neither on nor off")
            return state.state == STATE_ON
        unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
        if unit is not None and not isinstance(unit, str):
            raise ValueError("no unit")
        if (convert := converter(measurement.key, unit)) is None:
            raise ValueError(f"{measurement.key}: unknown unit")
        try:
            number = float(state.state)
        except ValueError as err:
            raise ValueError(f"{measurement.key}: not a number") from err
        return measurement.parse(convert(number))
