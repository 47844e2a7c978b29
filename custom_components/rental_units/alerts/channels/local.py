"""Channels that are Home Assistant's own: notify, scripts, and the loudspeakers of a place."""

import asyncio
from typing import ClassVar, override

from homeassistant.core import Context, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

from .base import Channel, Message, NotSentError, RefusedError, UnknownError, async_call


class Notify(Channel):
    """A notify entity, or a legacy notify action."""

    @override
    async def async_send(self, message: Message) -> str | None:
        text = message.text + (f"\n{message.link}" if message.link else "")
        data = {"title": message.title, "message": text}
        if er.async_get(self.hass).async_get(message.to) or self.hass.states.get(
            message.to
        ):
            await async_call(
                self.hass,
                "notify",
                "send_message",
                {"entity_id": message.to, **data},
                self.timeout,
            )
        else:
            await async_call(
                self.hass,
                "notify",
                message.to.removeprefix("notify."),
                data,
                self.timeout,
            )
        return None


class Script(Channel):
    """Any script: the door to every provider that Home Assistant knows.

    The script is named in the options; who is called is a field. For a person's own
    script (channel `script`) the address names it.
    """

    @override
    async def async_send(self, message: Message) -> str | None:
        script = str(self.options.get("script") or message.to).removeprefix("script.")
        component = self.hass.data.get("script")
        entity = component.get_entity(f"script.{script}") if component else None
        if entity is None:
            raise NotSentError("no_such_script", 30)
        # Not by its action: the event of a call, which the recorder keeps, would hold the
        # number.
        run = entity.async_turn_on(
            context=Context(),
            variables={
                "to": message.to,
                "title": message.title,
                "message": message.text,
                "severity": message.severity.value,
                "language": message.language,
                "alert_id": message.alert_id,
                "delivery_id": message.delivery_id,
                "drill": message.drill,
                "link": message.link,
            },
        )
        try:
            async with asyncio.timeout(self.timeout):
                await run
        except TimeoutError as err:
            raise UnknownError("timeout") from err
        return None


class Announce(Channel):
    """Satellites and media players of an area; the address is the area's id."""

    # To hear it twice does no harm.
    idempotent: ClassVar[bool] = True

    @override
    async def async_send(self, message: Message) -> str | None:
        found = speakers(self, message.to)
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
        return None


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
