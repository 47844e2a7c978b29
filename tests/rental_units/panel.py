"""A panel's connection: commands and their answers, over the real websocket."""

import base64
from typing import Any

from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.rental_units.const import DOMAIN
from homeassistant.core import HomeAssistant

from .common import administrator


def content(text: str) -> str:
    """Return a file as a message holds it."""
    return base64.b64encode(text.encode()).decode()


class Panel:
    """The panel of one user, for one property."""

    def __init__(self, client: Any, entry_id: str) -> None:
        """Initialize."""
        self.client = client
        self.entry_id = entry_id

    async def ask(self, command: str, **data: Any) -> dict[str, Any]:
        """Send a command; return the whole answer."""
        message = {"type": f"{DOMAIN}/{command}", "entry_id": self.entry_id, **data}
        await self.client.send_json_auto_id(message)
        answer: dict[str, Any] = await self.client.receive_json()
        return answer

    async def get(self, command: str, **data: Any) -> Any:
        """Return what a command comes to."""
        answer = await self.ask(command, **data)
        assert answer["success"], answer
        return answer["result"]

    async def refusal(self, command: str, **data: Any) -> str:
        """Return why a command is refused."""
        answer = await self.ask(command, **data)
        assert not answer["success"], answer
        return answer["error"].get("translation_key") or answer["error"]["message"]

    async def follow(self, command: str, **data: Any) -> dict[str, Any]:
        """Subscribe; return the first event."""
        await self.get(command, **data)
        return await self.event()

    async def event(self) -> dict[str, Any]:
        """Return the next event."""
        message = await self.client.receive_json()
        assert message["type"] == "event", message
        event: dict[str, Any] = message["event"]
        return event


async def panel_of(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    connect: WebSocketGenerator,
    user: MockUser | None = None,
) -> Panel:
    """Return the panel of a user, or of the administrator."""
    token = await hass.auth.async_create_refresh_token(
        user or administrator(hass), "https://example.com/"
    )
    client = await connect(hass, hass.auth.async_create_access_token(token))
    return Panel(client, entry.entry_id)
