"""The engines of all properties, and what they share: views and the app's events."""

from datetime import datetime, timedelta
from functools import partial

from homeassistant.core import Context, Event, HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN, LOGGER
from ..public.links import CODE_CHARACTERS
from ..register import Register, RegisterConfigEntry
from ..spoken import async_load
from ..storage.errors import RegisterError
from .const import ACTION_PREFIX, TAG_PREFIX, Answer
from .engine import HEARTBEAT_SECONDS, Engine
from .inbox import DATA_INBOX, Inbox, is_all_known
from .links import AlertLinks
from .models import Delivery
from .pressed import Pressed
from .probes import Probes
from .runtime import DATA_ENGINES, engine_of
from .services import async_raise_kept, async_setup_alert_services
from .unwritten import Unwritten
from .verifier import CONFIRM
from .views import AnswerPictureView, AnswerView, CallbackView

DATA_PRESSED: HassKey[Pressed] = HassKey(f"{DOMAIN}_pressed")
_ACTION = "mobile_app_notification_action"
_RECEIVED = "mobile_app_notification_received"


async def async_setup_alerts(hass: HomeAssistant) -> None:
    """Set up what all properties share."""
    hass.data[DATA_ENGINES] = {}
    pressed = hass.data[DATA_PRESSED] = Pressed(hass)
    await pressed.async_load()
    inbox = hass.data[DATA_INBOX] = Inbox(hass)
    await inbox.async_load()
    await async_load(hass, "alerts")
    hass.http.register_view(AnswerView)
    hass.http.register_view(AnswerPictureView)
    hass.http.register_view(CallbackView)
    hass.bus.async_listen(_ACTION, partial(_async_pressed, hass))
    hass.bus.async_listen(_RECEIVED, partial(_received, hass))
    async_setup_alert_services(hass)


async def async_start_alerts(
    hass: HomeAssistant, entry: RegisterConfigEntry, register: Register
) -> Engine:
    """Start the engine of a property, which nobody finds yet. Raises RegisterError."""
    engine = Engine(hass, entry, register)
    await engine.async_start()
    await engine.verifier.async_start()
    entry.async_on_unload(entry.add_update_listener(_async_configure))
    entry.async_on_unload(
        async_track_time_interval(
            hass, engine.async_purge, timedelta(days=1), cancel_on_shutdown=True
        )
    )
    entry.async_on_unload(
        async_track_time_interval(
            hass,
            engine.beat,
            timedelta(seconds=HEARTBEAT_SECONDS),
            cancel_on_shutdown=True,
        )
    )
    entry.async_on_unload(
        async_track_time_interval(
            hass,
            partial(_async_take_kept, hass),
            timedelta(seconds=HEARTBEAT_SECONDS),
            cancel_on_shutdown=True,
        )
    )
    entry.async_on_unload(engine.verifier.stop)
    probes = Probes(hass, entry, engine)
    probes.start()
    entry.async_on_unload(probes.stop)
    return engine


async def async_take_up(hass: HomeAssistant, entry_id: str) -> None:
    """Raise what was asked for while a property was away, and take what was answered."""
    if engine := engine_of(hass, entry_id):
        await async_raise_kept(hass, engine)
    await _async_take_kept(hass)


async def _async_configure(hass: HomeAssistant, entry: RegisterConfigEntry) -> None:
    """Take the channels of changed options; a unit that is added changes none."""
    if engine := engine_of(hass, entry.entry_id):
        engine.configure()


@callback
def async_publish_alerts(hass: HomeAssistant, engine: Engine) -> None:
    """Let what comes in from outside find the engine of a property."""
    hass.data[DATA_ENGINES][engine.entry_id] = engine


async def async_stop_alerts(hass: HomeAssistant, entry: RegisterConfigEntry) -> None:
    """Stop the engine of a property."""
    if engine := hass.data[DATA_ENGINES].pop(entry.entry_id, None):
        await engine.async_stop()


async def async_remove_alerts(hass: HomeAssistant, entry_id: str) -> None:
    """Delete the files of a property that is removed: every link is void."""
    inbox = hass.data[DATA_INBOX]
    await inbox.async_done(inbox.of(entry_id))
    for file in (AlertLinks(hass, entry_id), Unwritten(hass, entry_id)):
        await file.async_remove()


def _find(hass: HomeAssistant, token: str) -> tuple[Engine, Delivery] | None:
    for engine in hass.data[DATA_ENGINES].values():
        if delivery := engine.dispatcher.by_button.get(token):
            return engine, delivery
    return None


def _parse(action: object) -> tuple[str, str]:
    """Return the token and the word in a button's action; empty if not ours."""
    prefix, _, rest = str(action).partition(f"{ACTION_PREFIX}_")
    token, _, word = rest.partition("_")
    is_ours = not prefix and word in {*Answer, CONFIRM}
    return (token, word) if is_ours else ("", "")


async def _async_pressed(hass: HomeAssistant, event: Event) -> None:
    await _async_take(hass, str(event.data.get("action")), event.context)


async def _async_take_kept(hass: HomeAssistant, _now: datetime | None = None) -> None:
    """Take what was pressed while it could not be; what still cannot is kept again."""
    if is_all_known(hass):
        for action, user_id in hass.data[DATA_PRESSED].take():
            await _async_take(hass, action, Context(user_id=user_id))


async def _async_take(hass: HomeAssistant, action: str, context: Context) -> None:
    """Take a button of the app; a call for help is not lost because the database is away."""
    token, word = _parse(action)
    if len(token) != CODE_CHARACTERS:
        return
    if word == CONFIRM:
        is_done = await _async_confirm(hass, token, context)
    else:
        is_done = await _async_answer(hass, token, Answer(word), context)
    if not is_done:
        hass.data[DATA_PRESSED].keep(action, context.user_id)


async def _async_answer(
    hass: HomeAssistant, token: str, answer: Answer, context: Context
) -> bool:
    """Take an answer, from the phone alone that was asked; False: it may be known later."""
    if not (found := _find(hass, token)):
        return is_all_known(hass)
    engine, delivery = found
    if (alert := engine.get(delivery.alert_id)) is None:
        return True
    if await engine.async_is_from(alert, delivery, context.user_id):
        engine.answer(alert, answer, delivery, via="app", context=context)
    else:
        LOGGER.warning("An answer did not come from the phone that was asked")
    return True


async def _async_confirm(hass: HomeAssistant, token: str, context: Context) -> bool:
    """Take the button of a test message, as `_async_answer` does that of an alert."""
    for engine in hass.data[DATA_ENGINES].values():
        if not (check := engine.verifier.find(token)):
            continue
        if not engine.is_phone_of(check.address.target, context.user_id):
            LOGGER.warning("A confirmation did not come from the phone that was asked")
            return True
        try:
            await engine.verifier.async_confirm(check)
        except RegisterError as err:
            LOGGER.warning("A confirmation is written down later: %s", err.key)
            return False
        return True
    return is_all_known(hass)


@callback
def _received(hass: HomeAssistant, event: Event) -> None:
    """Take the receipt of a phone, which returns the buttons or the tag that it was sent."""
    token, _ = _parse(event.data.get("action_1_key"))
    tag = str(event.data.get("tag")).removeprefix(TAG_PREFIX)
    for engine in hass.data[DATA_ENGINES].values():
        if delivery := engine.dispatcher.by_button.get(
            token
        ) or engine.dispatcher.by_receipt.get(tag):
            engine.dispatcher.received(delivery)
