"""What the world hears of the alerts: events, entities and repairs. They name no person."""

from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Final

from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, callback

from ..issues import listed, put_issue
from ..register import RegisterConfigEntry
from ..telling import tell
from .const import EVENT_ALERT, About, Answer, Progress
from .help import Helpers
from .models import Alert

type Listener = Callable[[Alert, Progress, str | None], None]

#: Repairs that tell of a fault: messages do not go out, or not on. Administrators alone see
#: repairs.
_FAULTS: Final = frozenset(
    {"alerts_stalled", "register_unwritable", "provider_failing", "provider_dead"}
)


class News:
    """Tells of the alerts of one entry."""

    def __init__(
        self, hass: HomeAssistant, entry: RegisterConfigEntry, helpers: Helpers
    ) -> None:
        """Initialize."""
        self._hass = hass
        self._helpers = helpers
        self._entry = entry
        self._listeners: list[Listener] = []
        self._unit_listeners: defaultdict[str, list[Listener]] = defaultdict(list)
        #: What is said of them, by key and what they are about.
        self.faults: dict[tuple[str, str], dict[str, str]] = {}
        self._fault_listeners: list[CALLBACK_TYPE] = []

    @callback
    def listen(self, listener: Listener) -> CALLBACK_TYPE:
        """Call with an alert, what has become of it, and of which unit."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @callback
    def listen_unit(self, unit_id: str, listener: Listener) -> CALLBACK_TYPE:
        """Call with the alerts about a unit only: there may be thousands of units."""
        self._unit_listeners[unit_id].append(listener)
        return lambda: self._unit_listeners[unit_id].remove(listener)

    @property
    def has_fault(self) -> bool:
        """Return if messages do not go out now, or not on."""
        return bool(self.faults)

    @callback
    def listen_faults(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call when a fault has come or gone."""
        self._fault_listeners.append(listener)
        return lambda: self._fault_listeners.remove(listener)

    @callback
    def tell(
        self,
        alert: Alert,
        progress: Progress,
        unit_id: str | None = None,
        answer: Answer | None = None,
        context: Context | None = None,
        *,
        decides: bool = False,
    ) -> None:
        """Fire the event: units and areas, and what was answered, for all if it `decides`.

        Nobody but who has asked for it hears of what is about a person.
        """
        if alert.about != About.PLACE:
            return
        self._hass.bus.async_fire(
            EVENT_ALERT,
            {
                "type": progress.value,
                "entry_id": self._entry.entry_id,
                "alert_id": alert.id,
                "alarm_id": alert.alarm_id,
                "alarm_ids": list(alert.alarm_ids),
                "incident_id": alert.incident_id,
                "severity": alert.severity,
                "hazard": alert.hazard,
                "drill": alert.drill,
                "area_ids": alert.area_ids,
                "unit_id": unit_id,
                "answer": answer.value if answer else None,
                "decides": decides,
                "step": alert.step,
                "need_help": bool(self._helpers.of(alert).open),
                "help_unit_ids": self._helpers.of(alert).units,
            },
            context=context,
        )
        listeners = [*self._listeners]
        for concerned in alert.unit_ids:
            listeners += self._unit_listeners.get(concerned, ())
        tell(listeners, alert, progress, unit_id)

    @callback
    def tell_failing(self, channel: str, failing: bool) -> None:
        """Show in the repairs that a provider fails, or no longer."""
        said = {"channel": channel} if failing else None
        self._put("provider_failing", said, about=channel)

    @callback
    def tell_dead(self, channel: str, reason: str | None) -> None:
        """Show in the repairs that a provider would send nothing, or that it would."""
        said = None if reason is None else {"channel": channel, "reason": reason}
        self._put("provider_dead", said, about=channel)

    @callback
    def tell_failing_addresses(
        self, count: int, units: Collection[str], responders: int
    ) -> None:
        """Show in the repairs that test messages have failed: in which units, and no person."""
        named = listed([unit for unit in units if unit])["names"] or "–"
        said = {"count": str(count), "units": named, "responders": str(responders)}
        put_issue(self._hass, self._entry, "contacts_failing", said if count else None)

    @callback
    def tell_report_ends(self, ends: bool) -> None:
        """Show in the repairs that the address for a provider's console has to be renewed."""
        self._show("report_ends", ends)

    @callback
    def tell_unanswerable(self, applies: bool) -> None:
        """Show in the repairs that nobody can answer a text message or a call."""
        self._show("no_public_address", applies)

    @callback
    def tell_missed(self, place: str) -> None:
        """Show in the repairs, until a person has seen it, that an alert came too late."""
        said = {"place": place or "–"}
        put_issue(self._hass, self._entry, "alert_missed", said, until_seen=True)

    @callback
    def tell_stalled(self, stalled: bool) -> None:
        """Show in the repairs that nothing has walked the clock, or that it is walked."""
        self._show("alerts_stalled", stalled)

    @callback
    def tell_unwritable(self, reason: str | None) -> None:
        """Show in the repairs that alerts cannot be written down, or can be again."""
        self._show("register_unwritable", reason is not None)

    def _show(self, key: str, applies: bool) -> None:
        self._put(key, {} if applies else None)

    def _put(self, key: str, said: dict[str, str] | None, about: str = "") -> None:
        put_issue(self._hass, self._entry, key, said, about=about)
        if key not in _FAULTS:
            return
        if said is None:
            self.faults.pop((key, about), None)
        else:
            self.faults[key, about] = said
        tell(self._fault_listeners)
