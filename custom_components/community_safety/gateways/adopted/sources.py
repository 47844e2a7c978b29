"""One entity that carries a reading, and what of its states is the device's own word.

Home Assistant knows states, and not where they are from. A state may be what an entity
remembers of its last run, what its integration has kept while the device was away, or what
it expects of a command. None of these is evidence.
"""

from contextvars import ContextVar
from dataclasses import dataclass, field

from homeassistant.const import (
    ATTR_ASSUMED_STATE,
    ATTR_UNIT_OF_MEASUREMENT,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
)
from homeassistant.core import State

from ...catalogue.measurements import Value, parse_point
from .proposals import converter

#: Integrations whose entities are available only as long as a subscription of theirs to the
#: device is alive, which begins with all that it measures (Matter core specification, 8.5):
#: what such an entity says is the device's word, and that it is there is a sign of life.
PRIMED = frozenset({"matter"})
#: An integration that asks its devices says so in its manifest; `local` without a cloud.
_POLLING, _LOCAL_POLLING = "polling", "local_polling"


@dataclass(eq=False, slots=True)
class Command:
    """A command to a switch. What is written in its course may be its integration's hope."""

    source: Source
    value: bool
    at: float
    is_running: bool = True


#: The command in whose course something is done: tasks that it begins have it too.
COMMAND: ContextVar[Command | None] = ContextVar("command", default=None)


@dataclass(eq=False, slots=True)
class Source:
    """An entity that carries the reading `key`; `ref` names it in the registry.

    `integration` is the one that it is of, and `iot_class` how that one hears of devices.
    """

    key: str
    ref: str
    integration: str | None
    iot_class: str | None
    #: Where it is now, None while it is not registered or disabled.
    entity_id: str | None = None
    #: If it says nothing, and the last that it has said in this run.
    is_absent: bool = True
    last: str | None = None
    value: Value | None = None
    #: What a command has left, until the device has said so, or otherwise.
    hoped: str | None = field(default=None)

    @property
    def is_polled(self) -> bool:
        """Return if its integration asks the device, also when it is asked to."""
        return (self.iot_class or "").endswith(_POLLING)

    @property
    def can_be_asked(self) -> bool:
        """Return if it costs nobody's quota to ask it every other minute."""
        return self.iot_class == _LOCAL_POLLING

    @property
    def is_primed(self) -> bool:
        """Return if it is there only while the device is, and then says how that is."""
        return self.integration in PRIMED

    def take(self, state: State | None) -> bool | None:
        """Take a state that was written; return if it is the device's own word.

        None if it says nothing.
        """
        if state is None or state.state in (STATE_UNAVAILABLE, STATE_UNKNOWN):
            self.is_absent, self.value, self.hoped = True, None, None
            return None
        was_absent, self.is_absent = self.is_absent, False
        before, self.last = self.last, state.state
        if state.attributes.get(ATTR_ASSUMED_STATE):
            return False
        if was_absent:
            # It may be a memory, of this run or an earlier one: that cannot differ from what
            # was said in this run.
            return self.is_primed or before not in (None, state.state)
        command = COMMAND.get()
        if command and command.is_running and command.source is self:
            if state.state != before:
                self.hoped = state.state
            return False
        if self.hoped == state.state and not self.is_polled:
            # Written again, perhaps with another one that has changed.
            return False
        self.hoped = None
        return True

    def read(self, state: State) -> Value:
        """Return the value of a state that says something, in our unit. Raises ValueError."""
        measurement = parse_point(self.key).measurement
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
