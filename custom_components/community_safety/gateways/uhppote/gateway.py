"""A gateway of UHPPOTE boards: those at the addresses of one config entry."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, time as clock_time, timedelta
from typing import Any, override

from uhppoted import decode

from homeassistant.const import CONF_PROTOCOL
from homeassistant.core import callback
from homeassistant.exceptions import (
    ConfigEntryNotReady,
    HomeAssistantError,
    ServiceValidationError,
)
from homeassistant.util import dt as dt_util

from ...catalogue.measurements import Value
from ...const import CONF_BOARDS, CONF_EVENT_PORT, DOMAIN
from ...core.device import SafetyDevice
from ...core.ports import Credential
from ..base import CommandError, Gateway
from .board import Board, BoardError
from .controller import Controller

#: What get_card and get_card_by_index say of a slot: empty, and of a deleted card.
_NOTHING, _DELETED = 0, 0xFFFFFFFF
#: Slots of deleted cards that are passed over, at most: a list that does not end is none.
MOST_SLOTS = 200_000
#: A card number is an unsigned number of 32 bits, and two of them are marks.
MOST_NUMBER = _DELETED - 1
#: The value of a door on a card: at any time. 2 to 254 are time profiles, which we use not.
_ALWAYS = 1
_DOORS = ("1", "2", "3", "4")


class _Listener(asyncio.DatagramProtocol):
    """Takes what boards send by themselves."""

    def __init__(self, gateway: UhppoteGateway) -> None:
        """Initialize."""
        self._gateway = gateway

    @override
    def datagram_received(self, data: bytes, addr: Any) -> None:
        try:
            event = decode.event(data)
        except ValueError as err:
            self._gateway.refuse("an unknown device", str(err))
            return
        self._gateway.received(event)


class UhppoteGateway(Gateway):
    """Boards that push their events to us, and are asked what they do not push.

    They keep a list of cards of their own. There is no log-in and no encryption.
    """

    manufacturer = "UHPPOTE"

    def __init__(self, *args: Any) -> None:
        """Initialize."""
        super().__init__(*args)
        self._controllers: dict[int, Controller] = {}
        #: Where boards are to send their events: the port that the system has given us.
        self.event_port = 0

    @override
    async def async_start(self) -> None:
        data = self.entry.data
        self._controllers = {
            int(serial): Controller(
                self, Board(int(serial), address, data[CONF_PROTOCOL])
            )
            for serial, address in data[CONF_BOARDS].items()
        }
        try:
            transport, _ = await self.hass.loop.create_datagram_endpoint(
                lambda: _Listener(self), local_addr=("0.0.0.0", data[CONF_EVENT_PORT])
            )
        except OSError as err:
            raise ConfigEntryNotReady(
                translation_domain=DOMAIN,
                translation_key="uhppote_port",
                translation_placeholders={
                    "port": str(data[CONF_EVENT_PORT]),
                    "reason": str(err),
                },
            ) from err
        self.on_unload(transport.close)
        self.event_port = transport.get_extra_info("sockname")[1]
        self.set_connected(True)
        for controller in self._controllers.values():
            controller.start()
            self.on_unload(controller.stop)

    @callback
    def received(self, event: Any) -> None:
        """Take what a board has sent by itself."""
        if controller := self._controllers.get(event.controller):
            controller.take(event)
        else:
            self.refuse("an unknown device", "a board that was not added")

    def _controller(self, device: SafetyDevice) -> Controller:
        """Return what speaks to a device. Raises CommandError if nothing does any more."""
        if controller := self._controllers.get(int(device.description.id)):
            return controller
        raise CommandError(device, "not_connected", "it was removed")

    @override
    async def async_set(self, device: SafetyDevice, key: str, value: Value) -> None:
        controller = self._controller(device)
        name, _, door = key.rpartition("_")
        try:
            if name == "open":
                if not await controller.async_open(int(door)):
                    raise CommandError(device, "open_unproven", "the relay is off")
            else:
                await controller.async_lock(int(door), bool(value))
        except BoardError as err:
            raise CommandError(device, "no_answer", str(err)) from err

    @override
    async def async_refresh(self, device: SafetyDevice, keys: Iterable[str]) -> None:
        controller = self._controller(device)
        doors = {
            int(point.channel)
            for key in keys
            if (point := device.points.get(key)) and point.channel
        }
        try:
            await controller.async_refresh(doors or controller.doors)
        except BoardError as err:
            raise CommandError(device, "no_answer", str(err)) from err

    @override
    def diagnostics(self) -> dict[str, Any]:
        return {"boards": [row.diagnostics() for row in self._controllers.values()]}

    # Credentials

    def as_held(self, credential: Credential) -> Credential:
        """Return what a board makes of a credential: whole days of its own time.

        Raises ServiceValidationError for what is no card number, or is over before it begins.
        """
        number, doors = credential.number, credential.doors
        if (
            not _is_number(number)
            or not doors
            or not doors <= frozenset(_DOORS)
            or credential.end <= credential.begin
        ):
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="credential_not_possible"
            )
        last = dt_util.as_local(credential.end - timedelta(microseconds=1)).date()
        return Credential(
            number=number,
            begin=_midnight(dt_util.as_local(credential.begin).date()),
            end=_midnight(last + timedelta(days=1)),
            doors=doors,
        )

    async def async_put_credential(
        self, device: SafetyDevice, credential: Credential
    ) -> None:
        """Write a card. Raises HomeAssistantError."""
        held = self.as_held(credential)
        await self._async_order(
            device,
            "put_card",
            "stored",
            int(held.number),
            held.begin.date(),
            (held.end - timedelta(days=1)).date(),
            *(_ALWAYS if door in held.doors else 0 for door in _DOORS),
            0,
        )

    async def async_remove_credential(self, device: SafetyDevice, number: str) -> None:
        """Delete a card. Raises HomeAssistantError."""
        if _is_number(number):
            # One that is not there is not deleted, and that is as well.
            await self._async_ask(device, "delete_card", int(number))

    async def async_read_credential(
        self, device: SafetyDevice, number: str
    ) -> Credential | None:
        """Return a card as the board has it. Raises HomeAssistantError."""
        if not _is_number(number):
            return None
        card = await self._async_ask(device, "get_card", int(number))
        if card.card_number in (_NOTHING, _DELETED):
            return None
        if card.card_number != int(number):
            raise CommandError(device, "refused", "it answers with another card")
        return _credential(card)

    async def walk_credentials(self, device: SafetyDevice) -> AsyncIterator[Credential]:
        """Yield every card of the board's list, with deleted slots left out.

        Raises HomeAssistantError if it does not answer, or if the list has changed.
        """
        count = (await self._async_ask(device, "get_cards")).cards
        found = 0
        for index in range(1, MOST_SLOTS):
            if found == count:
                break
            card = await self._async_ask(device, "get_card_by_index", index)
            if card.card_number == _NOTHING:
                break
            if card.card_number != _DELETED:
                found += 1
                yield _credential(card)
        if not found == count == (await self._async_ask(device, "get_cards")).cards:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="list_changed",
                translation_placeholders={"device": device.name},
            )

    async def _async_ask(self, device: SafetyDevice, name: str, *arguments: Any) -> Any:
        try:
            return await self._controller(device).board.ask(name, *arguments)
        except BoardError as err:
            raise CommandError(device, "no_answer", str(err)) from err

    async def _async_order(
        self, device: SafetyDevice, name: str, field: str, *arguments: Any
    ) -> None:
        answer = await self._async_ask(device, name, *arguments)
        if not getattr(answer, field):
            raise CommandError(device, "refused", name)


def _is_number(number: str) -> bool:
    """Return if a board can have a card with this number."""
    return (
        number.isascii()
        and number.isdecimal()
        and number[0] != "0"
        and int(number) <= MOST_NUMBER
    )


def _midnight(day: Any) -> datetime:
    return datetime.combine(day, clock_time(), dt_util.get_default_time_zone())


def _credential(card: Any) -> Credential:
    """Return a card as it is on a board.

    One with dates that are none opens never; a time profile is a door of another name, so
    that such a card is never taken for one of ours.
    """
    days = card.start_date, card.end_date
    begin = end = dt_util.utc_from_timestamp(0)
    if all(days):
        begin, end = _midnight(days[0]), _midnight(days[1] + timedelta(days=1))
    doors = {door: getattr(card, f"door_{door}") for door in _DOORS}
    return Credential(
        number=str(card.card_number),
        begin=begin,
        end=end,
        doors=frozenset(
            door if value == _ALWAYS else f"{door}@{value}"
            for door, value in doors.items()
            if value
        ),
    )
