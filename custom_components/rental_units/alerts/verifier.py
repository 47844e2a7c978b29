"""Test messages that people confirm, so that an address is known to be right before a fire.

They are no alert: they go one by one, wait for quiet hours, and leave the lines to alerts.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
import time
from typing import TYPE_CHECKING, Final
import uuid

from sqlalchemy.orm import Session

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from ..const import LOGGER, Channel as Way
from ..register import Register, RegisterConfigEntry, checks, queries
from ..register.checks import Check, Figures
from ..storage.errors import RegisterError
from ..telling import tell
from .channels.base import Message, NotSentError, SendError, UnknownError
from .const import ACTION_PREFIX, Answer, Severity
from .planning import quiet_until
from .texts import texts

if TYPE_CHECKING:
    from .engine import Engine

#: Seconds between two messages over one channel, and until a look at what holds them back.
PACE_SECONDS: Final = 1.0
BUSY_SECONDS: Final = 10.0
#: Seconds after a change until the addresses are counted.
COUNT_SECONDS: Final = 5.0
#: Seconds, at least, until a provider that could not send is asked once more, and how often.
AGAIN_SECONDS: Final = 60.0
MOST_TRIES: Final = 3
#: The word of the app's button; see const.Answer for those of an alert.
CONFIRM: Final = "confirm"
#: The key of a phone, as the voice names it.
CONFIRM_KEY: Final = "1"
_PURPOSE: Final = "verify"


class Verifier:
    """Sends the test messages of a property, and takes what people confirm."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: RegisterConfigEntry,
        register: Register,
        engine: Engine,
        tell: Callable[[Figures], None],
    ) -> None:
        """Initialize; `tell` is called with the figures when they may have changed."""
        self._hass = hass
        self._entry = entry
        self._register = register
        self._engine = engine
        self._tell = tell
        self._waiting: list[Check] = []
        #: What can be confirmed, by the token of its link or button.
        self._open: dict[str, Check] = {}
        self._cancel: CALLBACK_TYPE | None = None
        self._count: CALLBACK_TYPE | None = None
        self._follow: CALLBACK_TYPE | None = None
        self._is_busy = False
        #: How often an address was tried in vain, and when it may be tried again.
        self._tries: dict[str, tuple[int, float]] = {}
        self._listeners: list[Callable[[], None]] = []
        #: None until they were counted, which takes a register that can be read.
        self.figures: Figures | None = None

    @callback
    def listen(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call when the figures may have changed."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def async_start(self) -> None:
        """Go on with what an earlier run has left, if the register can be read."""
        now = time.time()

        def read(session: Session) -> list[tuple[Check, bool]]:
            return checks.open_checks(session, now)

        self._follow = self._register.listen(self._changed)
        try:
            found = await self._register.async_read(read)
        except RegisterError as err:
            # People are alerted as they were last known; nobody is asked meanwhile.
            LOGGER.debug("The test messages could not be read: %s", err.key)
            return
        for check, _ in found:
            self._open[self._token(check)] = check
        self.begin([check for check, is_waiting in found if is_waiting])
        await self._async_count()

    @callback
    def stop(self) -> None:
        """Send nothing any more; what waits goes on after the next start."""
        for cancel in (self._follow, self._cancel, self._count):
            if cancel:
                cancel()
        self._follow = self._cancel = self._count = None

    def usable(self, channel: str) -> bool:
        """Return if something can be sent over a channel, and confirmed by who gets it."""
        found = self._engine.dispatcher.channels.get(channel)
        if found is None or channel == Way.PUSH:
            # A button in the app needs no address of ours.
            return found is not None
        is_heard = channel != Way.CALL or found.wants_callback
        return is_heard and bool(self._engine.links.answer_base())

    @callback
    def begin(self, found: list[Check]) -> None:
        """Send these, one by one."""
        for check in found:
            self._open[self._token(check)] = check
        self._waiting += found
        if self._waiting and not (self._cancel or self._is_busy):
            self._later(PACE_SECONDS)

    def find(self, token: str) -> Check | None:
        """Return what a link or a button confirms; None if it is over, or none of ours."""
        check = self._open.get(token)
        if check and check.asked_at + checks.LINK_SECONDS < time.time():
            del self._open[token]
            return None
        return check

    async def async_confirm(self, check: Check) -> bool:
        """Write down that a person is reached; False if the address was changed since.

        Raises RegisterError.
        """
        now = time.time()

        def write(session: Session) -> bool:
            person_id = checks.confirm(session, check, now)
            if person_id:
                queries.audit(
                    session, None, "contact_confirmed", "request", person_id=person_id
                )
            return person_id is not None

        confirmed = await self._register.async_run(write)
        await self._async_count()
        return confirmed

    @callback
    def note_wrong(self, address_id: str, target: str, reason: str) -> None:
        """Show that an alert has found a number that there is not, as a test would."""
        self._entry.async_create_background_task(
            self._hass,
            self._async_note_wrong(address_id, target, reason),
            "rental_units wrong number",
        )

    async def _async_note_wrong(
        self, address_id: str, target: str, reason: str
    ) -> None:
        try:
            await self._register.async_run(
                lambda session: checks.note_wrong(session, address_id, target, reason)
            )
        except RegisterError as err:
            LOGGER.warning("A wrong number was not noted: %s", err.key)
        else:
            self._changed()

    # Sending

    def _token(self, check: Check) -> str:
        return self._engine.links.code(_PURPOSE, f"{check.address.id} {check.asked_at}")

    def _later(self, seconds: float) -> None:
        self._cancel = async_call_later(self._hass, seconds, self._begin)

    @callback
    def _begin(self, _: datetime) -> None:
        self._cancel = None
        self._entry.async_create_background_task(
            self._hass, self._async_round(), "rental_units verification"
        )

    async def _async_round(self) -> None:
        """Send one over each channel; while people are being warned nobody is asked."""
        self._is_busy = True
        wait = BUSY_SECONDS
        try:
            if not self._engine.is_busy:
                for check in (chosen := self._chosen()):
                    self._waiting.remove(check)
                    await self._async_send(check)
                wait = PACE_SECONDS if chosen else BUSY_SECONDS
        finally:
            self._is_busy = False
            if self._waiting:
                self._later(wait)
        if not self._waiting:
            self._tries.clear()
            await self._async_count()

    def _chosen(self) -> list[Check]:
        """Return the next of each channel that is neither in quiet hours nor to be left alone."""
        now = dt_util.now()
        chosen: dict[str, Check] = {}
        for check in self._waiting:
            address = check.address
            if address.channel in chosen or quiet_until(
                Severity.MESSAGE, None, address, now
            ):
                continue
            if self._tries.get(address.id, (0, 0.0))[1] <= now.timestamp():
                chosen[address.channel] = check
        return list(chosen.values())

    async def _async_send(self, check: Check) -> None:
        """Send one, and write down what came of it."""
        try:
            if not await self._register.async_read(
                lambda session: checks.still(session, check) is not None
            ):
                # Erased, or changed: it is another's now.
                self._open.pop(self._token(check), None)
                return
            outcome = await self._async_attempt(check)
            if outcome is None:
                self._waiting.append(check)
                return
            await self._register.async_run(
                lambda session: checks.note(session, check, outcome)
            )
        except RegisterError as err:
            # It is still written down as waiting: the next start sends it.
            LOGGER.warning("A test message was not noted: %s", err.key)

    async def _async_attempt(self, check: Check) -> str | None:
        """Return what came of it; None if it is to be tried again."""
        channel = self._engine.dispatcher.channels.get(check.address.channel)
        if channel is None:
            return "no_channel"
        try:
            await channel.async_send(self._message(check))
        except UnknownError:
            # It may have been sent: then it can be confirmed.
            return checks.SENT
        except NotSentError as err:
            # That is the provider's trouble, and not the address's.
            tries, _ = self._tries.get(check.address.id, (0, 0.0))
            if tries >= MOST_TRIES:
                return err.reason
            after = time.time() + max(err.after or 0.0, AGAIN_SECONDS)
            self._tries[check.address.id] = tries + 1, after
            return None
        except SendError as err:
            return err.reason
        except Exception as err:  # noqa: BLE001
            # Whatever it is, and without its text: that may hold a number.
            LOGGER.error("A test message failed: %s", type(err).__name__)
            return "error"
        return checks.SENT

    def _message(self, check: Check) -> Message:
        text: Mapping[str, str] = texts(check.language)["verify"]
        place, token = self._entry.title, self._token(check)
        links = self._engine.links
        base, is_call = links.answer_base(), check.address.channel == Way.CALL
        return Message(
            delivery_id=uuid.uuid4().hex,
            alert_id=uuid.uuid4().hex,
            alarm_id=None,
            severity=Severity.MESSAGE,
            hazard=None,
            drill=False,
            language=check.language,
            title=text["title"].format(place=place),
            text=text["body"].format(place=place),
            place=place,
            step=0,
            round=0,
            to=check.address.target,
            link="" if is_call or not base else base + token,
            callback=links.verify_url(token) if is_call else "",
            keys=text["keys"] if is_call else "",
            buttons=()
            if is_call
            else ((f"{ACTION_PREFIX}_{token}_{CONFIRM}", Answer.SAFE, text["button"]),),
        )

    @callback
    def _changed(self) -> None:
        """Count anew soon: an import changes the register a hundred times."""
        if not self._count:
            self._count = async_call_later(self._hass, COUNT_SECONDS, self._begin_count)

    @callback
    def _begin_count(self, _: datetime) -> None:
        self._count = None
        self._entry.async_create_background_task(
            self._hass, self._async_count(), "rental_units figures"
        )

    async def _async_count(self) -> None:
        try:
            self.figures = found = await self._register.async_read(
                lambda session: checks.figures(session, self._register.today)
            )
        except RegisterError as err:
            LOGGER.debug("The addresses could not be counted: %s", err.key)
            return
        self._tell(found)
        tell(self._listeners)
