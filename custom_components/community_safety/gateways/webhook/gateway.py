"""A gateway at a webhook of Home Assistant: each device has a key, and can only report."""

from collections.abc import Iterable
import hmac
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, override

from aiohttp.web import Request, Response, json_response

from homeassistant.components import webhook
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.helpers.network import is_cloud_connection
from homeassistant.util.network import is_local

from ...catalogue import ELEVATOR_BLOCKER
from ...catalogue.measurements import Value
from ...const import DOMAIN, LOGGER
from ...core.device import DeviceDescription, SafetyDevice
from ..base import CommandError, Problem
from ..keys import CONF_KEY_HASH, CONF_LOCAL_ONLY, hash_of
from ..messages import ITSELF, MOST_BYTES, UNKNOWN, decode
from ..protocol import ProtocolGateway
from ..subentries import SubentryGateway

#: The type of a subentry, and the hash of its device's key. Its id names the device.
SUBENTRY = "webhook"
_BEARER = "Bearer "
#: The key of the problem that nobody knows what a device is.
NEVER_HEARD = "webhook_never_heard"
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
    in_order = False

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
            # Home Assistant itself refuses with the status of what was taken.
            local_only=False,
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
        rows = self.entry.subentries
        for device_id in self.devices.keys() - rows.keys():
            self.let_go(device_id)
        noted = {device_id for _key, device_id in self.problems if device_id}
        for device_id in noted - rows.keys():
            self.end_problem(NEVER_HEARD, device_id)
            self.forget_subentry(device_id)
        for device_id in rows.keys() - self.devices.keys() - noted:
            self.add_problem(
                Problem(
                    key=NEVER_HEARD,
                    device_id=device_id,
                    placeholders={"device": rows[device_id].title},
                )
            )

    @override
    def add_device(self, description: DeviceDescription) -> SafetyDevice:
        self.end_problem(NEVER_HEARD, description.id)
        return super().add_device(description)

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
        """Take what a device reports, and answer if it was understood and is stored.

        Home Assistant answers 200 to whatever is raised here: nothing may be.
        """
        try:
            if self.entry.data[CONF_LOCAL_ONLY] and _is_remote(self.hass, request):
                raise _RefusedError(
                    UNKNOWN, "not from the local network", HTTPStatus.FORBIDDEN
                )
            device_id = self._known(request.headers.get("Authorization", ""))
            self._take_body(device_id, await _async_body(request))
            if not await self.house.storage.async_written():
                # It is announced all the same; the device keeps it until it is on disk.
                raise _RefusedError(
                    device_id,
                    "not stored yet: send it again",
                    HTTPStatus.SERVICE_UNAVAILABLE,
                )
        except _RefusedError as err:
            refused = err
        except Exception:  # noqa: BLE001
            LOGGER.exception("%s: a message could not be taken", self.entry.title)
            refused = _RefusedError(
                ITSELF, "failed: send it again", HTTPStatus.INTERNAL_SERVER_ERROR
            )
        else:
            return json_response({"ok": True})
        self.refuse(refused.device, str(refused))
        return json_response(
            {"ok": False, "reason": str(refused)}, status=refused.status
        )

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
        """Take the messages of a body, each for itself: the last may be a fire.

        Raises _RefusedError, or what the first that could not be taken has raised.
        """
        errors: list[Exception] = []
        try:
            messages = decode(body)
            if not isinstance(messages, dict) or not messages.keys() <= {*_KINDS}:
                raise ValueError(f"body: none of {', '.join(_KINDS)}")
        except ValueError as err:
            self.take_refused(device_id)
            errors.append(err)
            messages = {}
        for kind in _KINDS:
            try:
                if kind in messages:
                    self._take_one(device_id, kind, messages[kind], body)
            except Exception as err:  # noqa: BLE001
                errors.append(err)
        for error in sorted(errors, key=lambda item: isinstance(item, ValueError)):
            if not isinstance(error, ValueError):
                # It was not taken: when it is sent again, that is no repetition.
                self._orders.pop(device_id, None)
                raise error
            known = device_id if device_id in self.devices else ITSELF
            raise _RefusedError(known, str(error), HTTPStatus.BAD_REQUEST) from error
        if device_id not in self.devices:
            # What it has said is kept until it says what it is.
            raise _RefusedError(ITSELF, "config needed", HTTPStatus.CONFLICT)

    def _take_one(self, device_id: str, kind: str, message: Any, body: bytes) -> None:
        if kind == "config" and _kind_of(message) == ELEVATOR_BLOCKER.key:
            raise ValueError("config: this kind needs commands")
        self.take_object(device_id, kind, message, body, retained=False)


def _is_remote(hass: HomeAssistant, request: Request) -> bool:
    """Return if a request is not from the local network, as Home Assistant sees it."""
    if is_cloud_connection(hass) or request.remote is None:
        return True
    try:
        return not is_local(ip_address(request.remote))
    except ValueError:
        return True


def _kind_of(config: Any) -> Any:
    return config.get("kind") if isinstance(config, dict) else None


async def _async_body(request: Request) -> bytes:
    """Return the body of a request, as far as it is looked at. Raises _RefusedError."""
    # Once: that of Home Assistant's cloud begins anew each time that it is asked for.
    body, content = b"", request.content
    while len(body) <= MOST_BYTES:
        if not (part := await content.read(MOST_BYTES + 1 - len(body))):
            return body
        body += part
    raise _RefusedError(UNKNOWN, "too long", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
