"""A gateway at a webhook of Home Assistant: each device has a key, and can only report."""

from collections.abc import Iterable
import hmac
from http import HTTPStatus
from typing import Any, override

from aiohttp.web import Request, Response, json_response

from homeassistant.components import webhook
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant

from ...catalogue import ELEVATOR_BLOCKER
from ...catalogue.measurements import Value
from ...const import DOMAIN
from ...core.device import SafetyDevice
from ..base import CommandError
from ..keys import CONF_KEY_HASH, CONF_LOCAL_ONLY, hash_of
from ..messages import ITSELF, MOST_BYTES, UNKNOWN, decode
from ..protocol import ProtocolGateway
from ..subentries import SubentryGateway

#: The type of a subentry, and the hash of its device's key. Its id names the device.
SUBENTRY = "webhook"
_BEARER = "Bearer "
#: The messages of the protocol that a body may hold, in the order in which they are taken.
_KINDS = ("config", "availability", "state")


class _RefusedError(Exception):
    """A request that is not taken, with the status of the answer."""

    def __init__(self, device: str, reason: str, status: HTTPStatus) -> None:
        """Initialize."""
        super().__init__(reason)
        self.device = device
        self.status = status


class WebhookGateway(ProtocolGateway, SubentryGateway):
    """Devices report by themselves, each with its own key. It is always there itself."""

    manufacturer = "Home Assistant"
    read_only = True

    @override
    async def async_start(self) -> None:
        await ProtocolGateway.async_start(self)
        await self.async_follow()
        self.follow_subentries()
        webhook_id = self.entry.data[CONF_WEBHOOK_ID]
        webhook.async_register(
            self.hass,
            DOMAIN,
            self.entry.title,
            webhook_id,
            self._async_handle,
            local_only=self.entry.data[CONF_LOCAL_ONLY],
            allowed_methods=("POST",),
        )
        self.on_unload(lambda: webhook.async_unregister(self.hass, webhook_id))
        self.set_connected(True)

    @override
    async def async_set(self, device: SafetyDevice, key: str, value: Value) -> None:
        raise CommandError(device, "refused", "it can only report")

    @override
    async def async_refresh(self, device: SafetyDevice, keys: Iterable[str]) -> None:
        """Pass over: nothing can be asked."""

    @override
    async def async_follow(self) -> None:
        for device_id in self.devices.keys() - self.entry.subentries.keys():
            self.let_go(device_id)

    @override
    def forget_subentry(self, device_id: str) -> None:
        for kind in _KINDS:
            self.forget_early(device_id, kind)

    @override
    def take_status(self, online: bool) -> None:
        """Pass over: only devices speak here."""

    @override
    def take_result(self, device_id: str, message: dict[str, Any]) -> None:
        """Pass over: nothing is commanded here."""

    async def _async_handle(
        self, _hass: HomeAssistant, _webhook_id: str, request: Request
    ) -> Response:
        """Take what a device reports, and answer if it was understood."""
        try:
            device_id = self._known(request.headers.get("Authorization", ""))
            self._take_body(device_id, await _async_body(request))
        except _RefusedError as err:
            self.refuse(err.device, str(err))
            return json_response({"ok": False, "reason": str(err)}, status=err.status)
        return json_response({"ok": True})

    def _known(self, authorization: str) -> str:
        """Return the device whose key a request has.

        Every key is compared, and each in the same time: how long it takes tells nothing.
        """
        given = hash_of(authorization.removeprefix(_BEARER))
        found = ""
        for row in self.entry.get_subentries_of_type(SUBENTRY):
            if hmac.compare_digest(row.data[CONF_KEY_HASH], given):
                found = row.subentry_id
        if not found or not authorization.startswith(_BEARER):
            raise _RefusedError(UNKNOWN, "wrong key", HTTPStatus.UNAUTHORIZED)
        return found

    def _take_body(self, device_id: str, body: bytes) -> None:
        try:
            messages = decode(body)
            if not isinstance(messages, dict) or not messages.keys() <= {*_KINDS}:
                raise ValueError(f"body: none of {', '.join(_KINDS)}")
            if _kind_of(messages.get("config")) == ELEVATOR_BLOCKER.key:
                raise ValueError("config: this kind needs commands")
            for kind in _KINDS:
                if kind in messages:
                    self.take_object(
                        device_id, kind, messages[kind], body, retained=False
                    )
        except ValueError as err:
            known = device_id if device_id in self.devices else ITSELF
            raise _RefusedError(known, str(err), HTTPStatus.BAD_REQUEST) from err


def _kind_of(config: Any) -> Any:
    return config.get("kind") if isinstance(config, dict) else None


async def _async_body(request: Request) -> bytes:
    """Return the body of a request, as far as it is looked at. Raises _RefusedError."""
    body = b""
    while len(body) <= MOST_BYTES:
        if not (part := await request.content.read(MOST_BYTES + 1 - len(body))):
            return body
        body += part
    raise _RefusedError(UNKNOWN, "too long", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
