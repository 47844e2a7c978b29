"""Channels that are Home Assistant's own: notify, email, scripts, and loudspeakers."""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar, override

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

from .base import (
    THREADS,
    Channel,
    HttpChannel,
    Message,
    NotSentError,
    RefusedError,
    async_call,
    async_run_script,
)
from .push import async_notify, named
from .setting import NotifyAction, Shown, entity_of


class Notify(HttpChannel):
    """A notify entity, a legacy notify action, or a script of the person's own."""

    def __init__(self, hass: HomeAssistant, options: Mapping[str, Any]) -> None:
        """Initialize."""
        super().__init__(hass, options)
        self._places = asyncio.Semaphore(THREADS)

    @override
    async def async_send(self, message: Message) -> str | None:
        text = {"title": message.title, "message": with_link(message)}
        if message.to.startswith("script."):
            await async_run_script(self.hass, message.to, message, self.timeout)
        elif er.async_get(self.hass).async_get(message.to) or self.hass.states.get(
            message.to
        ):
            state = self.hass.states.get(message.to)
            if state is None or state.state == STATE_UNAVAILABLE:
                # The action would leave it out, and say nothing.
                raise NotSentError("unavailable")
            await async_call(
                self.hass,
                "notify",
                "send_message",
                {"entity_id": [message.to], **text},
                self.timeout,
            )
        else:
            way = named(self.hass, message.to)
            await async_notify(self, way, text, self._places)
        return None


class Email(Channel):
    """An email by a notify action that takes a target, such as that of SMTP."""

    settings = (NotifyAction(key="action", required=True, shown=Shown.EVERYWHERE),)
    # An alarm has twice as many.
    concurrency = THREADS // 2

    def __init__(self, hass: HomeAssistant, options: Mapping[str, Any]) -> None:
        """Initialize."""
        super().__init__(hass, options)
        self._places = asyncio.Semaphore(THREADS)

    @override
    async def async_probe(self) -> None:
        """See if the action is still there."""
        name = str(self.options["action"]).removeprefix("notify.")
        if not self.hass.services.has_service("notify", name):
            raise NotSentError("no_such_action", 30)

    @override
    async def async_send(self, message: Message) -> str | None:
        await async_call(
            self.hass,
            "notify",
            str(self.options["action"]).removeprefix("notify."),
            {
                "title": message.title,
                "message": with_link(message),
                "target": [message.to],
            },
            self.timeout,
            places=self._places,
        )
        return None


class Script(Channel):
    """Any script: the door to every provider that Home Assistant knows.

    The script is named in the options; who is called is a field.
    """

    settings = (entity_of("script", "script", "no_such_script", required=True),)

    @override
    async def async_probe(self) -> None:
        """See if the script is still there, and could run."""
        state = self.hass.states.get(str(self.options["script"]))
        if state is None or state.state == STATE_UNAVAILABLE:
            raise NotSentError("no_such_script", 30)

    @override
    async def async_send(self, message: Message) -> str | None:
        script = str(self.options["script"])
        await async_run_script(self.hass, script, message, self.timeout)
        return None


class Announce(Channel):
    """Satellites and media players of an area, by its id; or one of these or a light, by its own."""

    settings = (entity_of("tts_entity", "tts", "no_such_entity"),)
    # To hear it twice does no harm.
    idempotent: ClassVar[bool] = True
    # The actions end when all has been said.
    send_seconds: ClassVar[float] = 60

    @override
    async def async_send(self, message: Message) -> str | None:
        is_area = "." not in message.to
        found = speakers(self, message.to) if is_area else self._one(message.to)
        if not found:
            raise RefusedError("no_speaker")
        if satellites := found.get("assist_satellite"):
            await async_call(
                self.hass,
                "assist_satellite",
                "announce",
                {"entity_id": satellites, "message": message.text},
                self.timeout,
            )
        if players := found.get("media_player"):
            await async_call(
                self.hass,
                "tts",
                "speak",
                {
                    "entity_id": self.options["tts_entity"],
                    "media_player_entity_id": players,
                    "message": message.text,
                },
                self.timeout,
            )
        if lights := found.get("light"):
            await async_call(
                self.hass,
                "light",
                "turn_on",
                {"entity_id": lights, "brightness_pct": 100},
                self.timeout,
            )
        return None

    def _one(self, entity_id: str) -> dict[str, list[str]]:
        """Return an entity by its domain. Raises NotSentError for one that is not there."""
        state = self.hass.states.get(entity_id)
        if state is None or state.state == STATE_UNAVAILABLE:
            # The action would leave it out, and say nothing.
            raise NotSentError("unavailable")
        domain = entity_id.partition(".")[0]
        can_do = {"assist_satellite", "light"}
        if self.options.get("tts_entity"):
            can_do.add("media_player")
        return {domain: [entity_id]} if domain in can_do else {}


@callback
def speakers(channel: Channel, area_id: str) -> dict[str, list[str]]:
    """Return what can speak in an area by domain; players only with a voice to speak with."""
    hass = channel.hass
    domains = {"assist_satellite"}
    if channel.options.get("tts_entity"):
        domains.add("media_player")
    entities = er.async_get(hass)
    here = list(er.async_entries_for_area(entities, area_id))
    for device in dr.async_entries_for_area(dr.async_get(hass), area_id):
        here += [
            entity
            for entity in er.async_entries_for_device(entities, device.id)
            if entity.area_id is None
        ]
    found: dict[str, list[str]] = {}
    for entity in here:
        if entity.domain in domains:
            found.setdefault(entity.domain, []).append(entity.entity_id)
    return found


def with_link(message: Message) -> str:
    """Return the text, with the link to answer below it."""
    return f"{message.text}\n{message.link}" if message.link else message.text
