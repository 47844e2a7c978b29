"""What needs no login: the page behind a link, and the reports of providers.

Who opens them has a token that cannot be guessed, for one unit and one alert. Looking changes nothing:
messengers open links to show a preview; only a button answers.
"""

from http import HTTPStatus
import json
import time
from typing import Any

from aiohttp import web

from homeassistant.components.http import KEY_HASS, HomeAssistantView

from ..const import Channel
from ..public.limits import Limit
from ..public.pages import (
    PICTURE_HEADERS,
    ambulance,
    button,
    emergency,
    page,
    paragraph,
    picture,
    too_many,
)
from ..public.views import SecretView, is_fetched_ahead, is_foreign
from ..register.checks import Check
from ..storage.errors import RegisterError
from .channels.alibaba import OUT_ID_CHARACTERS, Report, pressed, reported, written
from .channels.base import NotSentError
from .channels.twilio import (
    ENDED,
    FAILED,
    PICKED_UP,
    RECEIVED,
    TwilioSms,
    is_signed,
    reply,
    thanks,
)
from .const import ANSWERS, OPEN, URGENT, About, Answer, pressed_key
from .engine import Engine
from .inbox import is_all_known
from .links import (
    ANSWER_PATH,
    CALLBACK,
    CALLBACK_PATH,
    REPORT,
    REPORT_NOTICE_SECONDS,
    VERIFY,
)
from .models import Alert, Delivery
from .runtime import DATA_ENGINES, engine_of
from .texts import buttons, join, page_title, texts
from .verifier import CONFIRM, CONFIRM_KEY

#: How Twilio posts, and Alibaba Cloud does not.
FORM = "application/x-www-form-urlencoded"
#: A provider reports about at most so many deliveries at once.
MOST_REPORTS = 1000
#: Pages that one address opens in vain, and answers by one link.
WRONG_A_MINUTE = 60
ANSWERS_A_MINUTE = 20


class AnswerView(HomeAssistantView):
    """The page with the four answers."""

    url = ANSWER_PATH + "/{token}"
    name = "api:rental_units:answer"
    requires_auth = False

    def __init__(self) -> None:
        """Initialize."""
        self._wrong = Limit(WRONG_A_MINUTE)
        self._answers = Limit(ANSWERS_A_MINUTE)

    async def get(self, request: web.Request, token: str) -> web.Response:
        """Show the page."""
        if (found := _by_token(request, token)) is None:
            if asked := _check_of(request, token):
                return _confirmation(*asked)
            return self._refuse(request, token)
        engine, alert, delivery = found
        language = await engine.async_language(alert, delivery)
        unit = engine.unit_name(delivery.unit_id)
        text = texts(language)["page"]
        # What the message said: a text message may have had no room for it.
        lines = list(engine.said(alert, delivery, language))
        if unit:
            lines.append(text["unit"].format(place=unit))
        lines.append(_answered(alert, delivery, engine, language) or text["ask"])
        shown = ""
        if is_pictured := engine.is_pictured(alert):
            shown = picture(f"{ANSWER_PATH}/{token}/picture", text["picture"])
        return _page(
            language,
            "".join(paragraph(line) for line in lines)
            + shown
            + "".join(
                button(
                    "answer",
                    answer.value,
                    label,
                    pressed=answer == delivery.answer,
                    urgent=answer in URGENT,
                )
                for answer, label in buttons(alert, language)
            )
            + _emergency(request, language, alert),
            alert,
            pictures=is_pictured,
        )

    async def post(self, request: web.Request, token: str) -> web.Response:
        """Take an answer."""
        if (found := _by_token(request, token)) is None:
            if asked := _check_of(request, token):
                return await self._async_confirm(request, token, *asked)
            return self._refuse(request, token)
        if not self._answers.allows(token):
            return too_many()
        engine, alert, delivery = found
        language = await engine.async_language(alert, delivery)
        text = texts(language)["page"]
        try:
            answer = Answer(str((await request.post()).get("answer")))
        except ValueError, LookupError:
            answer = None
        if answer not in ANSWERS[About(alert.about)]:
            return _page(
                language, paragraph(text["ask"]), alert, status=HTTPStatus.BAD_REQUEST
            )
        if alert.state in OPEN:
            engine.answer(alert, answer, delivery, via="link")
        said = _answered(alert, delivery, engine, language)
        return _page(
            language,
            paragraph(text["thanks"])
            + paragraph(said)
            + _emergency(request, language, alert),
            alert,
        )

    async def _async_confirm(
        self, request: web.Request, token: str, engine: Engine, check: Check
    ) -> web.Response:
        """Take it that a test message has reached its person."""
        if not self._answers.allows(token):
            return too_many()
        try:
            answer = str((await request.post()).get("answer"))
        except ValueError, LookupError:
            answer = ""
        if answer != CONFIRM:
            return _confirmation(engine, check, HTTPStatus.BAD_REQUEST)
        text = texts(check.language)["verify"]
        place = engine.title
        try:
            confirmed = await engine.verifier.async_confirm(check)
        except RegisterError:
            said, status = text["later"], HTTPStatus.SERVICE_UNAVAILABLE
        else:
            if not confirmed:
                return self._refuse(request, token)
            said, status = text["thanks"], HTTPStatus.OK
        lines = paragraph(said.format(place=place))
        return page(check.language, text["title"].format(place=place), lines, status)

    def _refuse(self, request: web.Request, token: str) -> web.Response:
        # Who guesses is kept from making work, and nobody from answering: behind one
        # address may be a whole town. A link that has ended is no guess.
        engines = request.app[KEY_HASS].data[DATA_ENGINES].values()
        was_ours = any(token in engine.dispatcher.ended for engine in engines)
        if not was_ours and not self._wrong.allows(request.remote or ""):
            return too_many()
        hass = request.app[KEY_HASS]
        language = hass.config.language
        key, status = "invalid", HTTPStatus.GONE
        if not was_ours and not is_all_known(hass):
            # Who calls for help must not read that it is over.
            key, status = "later", HTTPStatus.SERVICE_UNAVAILABLE
        text = texts(language)["page"][key]
        shown = paragraph(text) + _emergency(request, language)
        return _page(language, shown, status=status)


class AnswerPictureView(SecretView):
    """The picture of who is looked for, on the page of who was told, while that is needed."""

    url = ANSWER_PATH + "/{token}/picture"
    name = "api:rental_units:answer_picture"

    def __init__(self) -> None:
        """Initialize."""
        self._wrong = Limit(WRONG_A_MINUTE)
        self._seen = Limit(ANSWERS_A_MINUTE)

    async def get(self, request: web.Request, token: str) -> web.Response:
        """Send it."""
        found = _by_token(request, token)
        if found is None and not self._wrong.allows(request.remote or ""):
            return too_many()
        if found and not self._seen.allows(token):
            return too_many()
        jpeg = None
        # No other page shows it, and what makes previews of links is not shown it.
        if found and not is_foreign(request) and not is_fetched_ahead(request):
            engine, alert, _delivery = found
            try:
                jpeg = await engine.async_picture(alert)
            except RegisterError:
                return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        if jpeg is None:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        return web.Response(
            body=jpeg, content_type="image/jpeg", headers=PICTURE_HEADERS
        )


class CallbackView(HomeAssistantView):
    """Where providers report: arrived, failed, a key was pressed."""

    url = CALLBACK_PATH + "/{entry_id}/{token}"
    name = "api:rental_units:callback"
    requires_auth = False

    async def post(
        self, request: web.Request, entry_id: str, token: str
    ) -> web.Response:
        """Take a report."""
        engine = engine_of(request.app[KEY_HASS], entry_id)
        if engine is None:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        if report := engine.links.read(REPORT, token):
            left = report["exp"] - time.time()
            engine.news.tell_report_ends(left < REPORT_NOTICE_SECONDS)
            return await _async_report(engine, request)
        claims = engine.links.read(CALLBACK, token)
        asked = engine.links.read(VERIFY, token)
        if not (claims or asked):
            if engine.links.was_ours(REPORT, token):
                engine.news.tell_report_ends(True)
            return web.Response(status=HTTPStatus.FORBIDDEN)
        try:
            posted = await request.post()
        except ValueError, LookupError:
            # No form, or in a character set that there is not.
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        form = [(key, str(value)) for key, value in posted.items()]
        check = engine.verifier.find(asked["t"]) if asked else None
        found = _find(engine, claims) if claims else None
        if check is None and found is None:
            if claims and engine.is_blind and "Digits" in dict(form):
                # Who calls for help must not take it that somebody has heard.
                return _twiml(thanks(engine.hass.config.language, "later"))
            return _twiml()
        name = check.address.channel if check else found[1].channel if found else ""
        if not _is_from_provider(engine, request, name, form):
            return web.Response(status=HTTPStatus.FORBIDDEN)
        if check:
            return await _async_key(engine, check, dict(form))
        assert found
        return await _async_twilio(engine, *found, dict(form))


def _is_from_provider(
    engine: Engine, request: web.Request, name: str, form: list[tuple[str, str]]
) -> bool:
    """Return if a report is signed by the provider of a channel, where it signs any."""
    channel = engine.dispatcher.channels.get(name)
    if not isinstance(channel, TwilioSms):
        return True
    url = engine.links.absolute(request.path_qs)
    given = request.headers.get("X-Twilio-Signature", "")
    return is_signed(channel.options["auth_token"], url, form, given)


async def _async_key(
    engine: Engine, check: Check, form: dict[str, str]
) -> web.Response:
    """Take the key by which somebody confirms that a call has reached them."""
    if form.get("Digits") != CONFIRM_KEY:
        return _twiml()
    try:
        await engine.verifier.async_confirm(check)
    except RegisterError:
        return _twiml()
    return _twiml(thanks(check.language))


def _twiml(text: str = "<Response/>") -> web.Response:
    return web.Response(text=text, content_type="text/xml")


async def _async_twilio(
    engine: Engine, alert: Alert, delivery: Delivery, form: dict[str, str]
) -> web.Response:
    status = form.get("MessageStatus") or form.get("CallStatus") or ""
    is_machine = form.get("AnsweredBy", "").startswith("machine")
    if status in RECEIVED:
        engine.dispatcher.received(delivery)
    elif status in FAILED:
        engine.dispatcher.lost(delivery, status.replace("-", "_"))
    elif status in PICKED_UP | ENDED and "Digits" not in form:
        engine.dispatcher.picked_up(delivery, is_over=is_machine or status in ENDED)
    if answer := pressed_key(alert.about, form.get("Digits", "")):
        engine.answer(alert, answer, delivery, via="call")
        language = await engine.async_language(alert, delivery)
        return _twiml(thanks(language))
    return _twiml()


async def _async_written(engine: Engine, request: web.Request) -> web.Response:
    """Take what somebody has written to a number at Twilio, as its console reports it.

    https://www.twilio.com/docs/messaging/guides/webhook-request
    """
    try:
        posted = await request.post()
    except ValueError, LookupError:
        return web.Response(status=HTTPStatus.BAD_REQUEST)
    form = [(key, str(value)) for key, value in posted.items()]
    channel = engine.dispatcher.channels.get(Channel.SMS)
    if not isinstance(channel, TwilioSms) or not _is_from_provider(
        engine, request, Channel.SMS, form
    ):
        return web.Response(status=HTTPStatus.FORBIDDEN)
    said = dict(form)
    try:
        back = await engine.personal.async_reply(
            said.get("From", ""), said.get("Body", "")
        )
    except NotSentError:
        back = texts(engine.hass.config.language)["page"]["later"]
    return _twiml(reply(back))


async def _async_report(engine: Engine, request: web.Request) -> web.Response:
    """Take the reports of Alibaba Cloud: JSON objects with our id as `out_id`.

    https://help.aliyun.com/document_detail/101867.html (SMS), .../zh/vms/voicereport-6 and
    .../zh/vms/voicecallreport-6 (calls)
    """
    if request.content_type == FORM:
        return await _async_written(engine, request)
    try:
        rows = json.loads(await request.text())
    except ValueError, LookupError, RecursionError:
        # Not JSON, in a character set that there is not, or nested without end.
        rows = None
    if isinstance(rows, dict):
        rows = [rows]
    if not isinstance(rows, list):
        return web.Response(status=HTTPStatus.BAD_REQUEST)
    deliveries = engine.dispatcher.deliveries.values()
    known = {row.id[:OUT_ID_CHARACTERS]: row for row in deliveries}
    is_missing = is_later = False
    for row in rows[:MOST_REPORTS]:
        if not isinstance(row, dict):
            continue
        if said := written(row):
            try:
                await engine.personal.async_reply(*said)
            except NotSentError:
                is_later = True
            continue
        delivery = known.get(str(row.get("out_id"))[:OUT_ID_CHARACTERS])
        alert = engine.get(delivery.alert_id) if delivery else None
        if delivery is None or alert is None:
            is_missing = True
            continue
        match reported(row):
            case Report.RECEIVED:
                engine.dispatcher.received(delivery)
            case Report.LOST:
                engine.dispatcher.lost(delivery, "not_delivered")
            case (Report.PICKED_UP | Report.ENDED) as news if not pressed(row):
                engine.dispatcher.picked_up(delivery, is_over=news is Report.ENDED)
        if answer := pressed_key(alert.about, pressed(row)):
            engine.answer(alert, answer, delivery, via="call")
    if is_later or (is_missing and engine.is_blind):
        # A key may have been pressed for help: it is to be reported again.
        return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
    # What it does not get, it reports again.
    return web.json_response({"code": 0, "msg": "OK"})


def _find(engine: Engine, claims: dict[str, Any]) -> tuple[Alert, Delivery] | None:
    """Return the open alert and the delivery that a token is for."""
    delivery = engine.dispatcher.deliveries.get(claims["d"])
    alert = engine.get(claims["a"])
    if delivery is None or alert is None or delivery.alert_id != alert.id:
        return None
    return alert, delivery


def _by_token(
    request: web.Request, token: str
) -> tuple[Engine, Alert, Delivery] | None:
    """Return what the token of a link is for, and the engine of its property."""
    for engine in request.app[KEY_HASS].data[DATA_ENGINES].values():
        if found := engine.find(token):
            return engine, *found
    return None


def _answered(alert: Alert, delivery: Delivery, engine: Engine, language: str) -> str:
    """Return what this person has answered so far; empty if nothing."""
    text = texts(language)
    said = text["page"]["answered"]
    lines = []
    if delivery.answer:
        lines.append(said.format(answer=text["answer"][delivery.answer]))
    calls = engine.helpers.of(alert).open
    if any(row.person_id == delivery.person_id for row in calls):
        lines.append(text["page"]["help_again"])
    return join(lines, language)


def _check_of(request: web.Request, token: str) -> tuple[Engine, Check] | None:
    """Return the test message that a link confirms, and the engine of its property."""
    for engine in request.app[KEY_HASS].data[DATA_ENGINES].values():
        if check := engine.verifier.find(token):
            return engine, check
    return None


def _confirmation(
    engine: Engine, check: Check, status: int = HTTPStatus.OK
) -> web.Response:
    """Return the page of a test message: to open it confirms nothing, only the button does."""
    text, place = texts(check.language)["verify"], engine.title
    body = paragraph(text["body"].format(place=place))
    body += button("answer", CONFIRM, text["button"])
    return page(check.language, text["title"].format(place=place), body, status)


def _emergency(request: web.Request, language: str, alert: Alert | None = None) -> str:
    """Return a link that calls the fire brigade, or for a person the ambulance."""
    country = request.app[KEY_HASS].config.country
    is_personal = alert is not None and alert.about != About.PLACE
    call = ambulance if is_personal else emergency
    return call(country, texts(language)["page"]["call"])


def _page(
    language: str,
    body: str,
    alert: Alert | None = None,
    *,
    status: int = HTTPStatus.OK,
    pictures: bool = False,
) -> web.Response:
    title = page_title(alert, language) if alert else texts(language)["page"]["title"]
    return page(language, title, body, status, pictures=pictures)
