"""A gateway of UHPPOTE boards: those at the addresses of one config entry."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import suppress
from datetime import date, datetime, time as clock_time, timedelta
from typing import Any, override

from uhppoted import decode

from homeassistant.const import CONF_PROTOCOL
from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from ...catalogue import DOOR_CONTROLLER
from ...const import CONF_BOARDS, CONF_EVENT_PORT, DOMAIN
from ...core.device import SafetyDevice
from ...core.ports import Credential
from ..base import CommandError, Problem
from ..contact import ContactGateway
from .board import Board, BoardError, doors_of
from .controller import Controller, passbacks_of

#: What get_card and get_card_by_index say of a slot: empty, and of a deleted card.
_NOTHING, _DELETED = 0, 0xFFFFFFFF
#: Slots of deleted cards that are passed over, at most: a list that does not end is none.
MOST_SLOTS = 200_000
#: A card number is an unsigned number of 32 bits, and two of them are marks.
MOST_NUMBER = _DELETED - 1
#: The value of a door on a card: at any time. 2 to 254 are time profiles, which we use not.
_ALWAYS = 1
_DOORS = ("1", "2", "3", "4")
#: Days and times that have one before and after them, in each time zone.
_LAST_DAY = date.max - timedelta(days=2)
_EVER = datetime.min.replace(tzinfo=dt_util.UTC) + timedelta(days=2)
_NEVER = datetime.max.replace(tzinfo=dt_util.UTC) - timedelta(days=2)
#: How often a slot of the list is asked for that is not answered.
ASKINGS = 3
#: Key of the problem that the port for events cannot be opened, and seconds until it is
#: tried again.
NO_PORT = "uhppote_port"
LISTEN_SECONDS = 60


class _Listener(asyncio.DatagramProtocol):
    """Takes what boards send by themselves."""

    def __init__(self, gateway: UhppoteGateway) -> None:
        """Initialize."""
        self._gateway = gateway

    @override
    def datagram_received(self, data: bytes, addr: Any) -> None:
        try:
            event = decode.event(data)
        except ValueError:
            # Not with its text: who sends what he likes would fill the memory.
            self._gateway.refuse("an unknown device", "no packet of a board")
            return
        self._gateway.received(event, addr[0])


class UhppoteGateway(ContactGateway):
    """Boards that push their events to us, and are asked what they do not push.

    They keep a list of cards of their own. There is no log-in and no encryption.
    """

    manufacturer = "UHPPOTE"

    def __init__(self, *args: Any) -> None:
        """Initialize."""
        super().__init__(*args)
        self._controllers: dict[int, Controller] = {}
        #: Where boards are to send their events: the port that the system has given us;
        #: 0 while there is none.
        self.event_port = 0
        self._stop_listening: CALLBACK_TYPE | None = None

    @override
    async def async_start(self) -> None:
        data = self.entry.data
        self._controllers = {
            int(serial): Controller(
                self, Board(int(serial), address, data[CONF_PROTOCOL])
            )
            for serial, address in data[CONF_BOARDS].items()
        }
        await self._async_listen()
        self.set_connected(True)
        for controller in self._controllers.values():
            controller.start()
            self.on_unload(controller.stop)

        @callback
        def stop_listening() -> None:
            if self._stop_listening:
                self._stop_listening()

        self.on_unload(stop_listening)

    @callback
    def _listen_again(self, _now: datetime) -> None:
        # What is broken off with the gateway leaves no open port.
        self._stop_listening = None
        self.entry.async_create_background_task(
            self.hass, self._async_listen(is_late=True), f"{DOMAIN} port for events"
        )

    async def _async_listen(self, *, is_late: bool = False) -> None:
        """Open the port for events, now or later: nobody needs it to open a door."""
        port = self.entry.data[CONF_EVENT_PORT]
        try:
            transport, _ = await self.hass.loop.create_datagram_endpoint(
                lambda: _Listener(self), local_addr=("0.0.0.0", port)
            )
        except OSError as err:
            self._stop_listening = async_call_later(
                self.hass, LISTEN_SECONDS, self._listen_again
            )
            self.add_problem(
                Problem(
                    key=NO_PORT, placeholders={"port": str(port), "reason": str(err)}
                )
            )
            return
        self._stop_listening = transport.close
        self.event_port = transport.get_extra_info("sockname")[1]
        self.end_problem(NO_PORT)
        if is_late:
            for controller in self._controllers.values():
                controller.connect_again()

    @property
    def controllers(self) -> Iterable[Controller]:
        """Return all boards."""
        return self._controllers.values()

    @callback
    def received(self, event: Any, host: str) -> None:
        """Take what a board has sent by itself, from its own address."""
        controller = self._controllers.get(event.controller)
        if controller is None:
            self.refuse("an unknown device", "a board that was not added")
        elif host != controller.board.host:
            self.refuse(str(event.controller), "sent from another address")
        else:
            controller.take(event)

    @override
    def contact(self, device: SafetyDevice) -> Controller:
        if controller := self._controllers.get(int(device.description.id)):
            return controller
        raise CommandError(device, "not_connected", "it was removed")

    @override
    async def async_refresh(self, device: SafetyDevice, keys: Iterable[str]) -> None:
        controller = self.contact(device)
        doors = {
            int(point.channel)
            for key in keys
            if (point := device.points.get(key)) and point.channel
        }
        try:
            await controller.async_refresh(doors or controller.doors)
        except BoardError as err:
            raise err.of(device) from err

    # Anti-pass-back

    @override
    def passback_options(self, device: SafetyDevice) -> tuple[str, ...]:
        if device.kind is not DOOR_CONTROLLER:
            return ()
        return passbacks_of(doors_of(int(device.description.id)))

    @override
    def passback(self, device: SafetyDevice) -> str | None:
        controller = self._controllers.get(int(device.description.id))
        return controller.passback if controller else None

    @override
    async def async_set_passback(self, device: SafetyDevice, option: str) -> None:
        try:
            await self.contact(device).async_set_passback(option)
        except BoardError as err:
            raise err.of(device) from err

    @override
    def diagnostics(self) -> dict[str, Any]:
        return {"boards": [row.diagnostics() for row in self._controllers.values()]}

    # Credentials

    def as_held(self, device: SafetyDevice, credential: Credential) -> Credential:
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
        end = min(credential.end, _NEVER) - timedelta(microseconds=1)
        return Credential(
            number=number,
            begin=_midnight(dt_util.as_local(max(credential.begin, _EVER)).date()),
            end=_end_of(dt_util.as_local(end).date()),
            doors=doors,
        )

    async def async_put_credential(
        self, device: SafetyDevice, credential: Credential
    ) -> None:
        """Write a card. Raises HomeAssistantError."""
        held = self.as_held(device, credential)
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

    async def walk_credentials(
        self, device: SafetyDevice, written: Collection[str]
    ) -> AsyncIterator[Credential]:
        """Yield every card of the board's list, with deleted slots left out.

        `written` are the numbers that we have written since. Raises HomeAssistantError if it
        does not answer, or if the list has changed by more than these.
        """
        count = (await self._async_ask(device, "get_cards")).cards
        found = 0
        for index in range(1, MOST_SLOTS):
            if found == count:
                break
            card = await self._async_ask_often(device, "get_card_by_index", index)
            if card.card_number == _NOTHING:
                break
            if card.card_number != _DELETED:
                # What we have written may have been there, and may not be.
                found += str(card.card_number) not in written
                yield _credential(card)
        counts = count, (await self._async_ask(device, "get_cards")).cards
        if any(abs(row - found) > len(written) for row in counts):
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="list_changed",
                translation_placeholders={"device": device.name},
            )

    async def _async_ask_often(
        self, device: SafetyDevice, name: str, *arguments: Any
    ) -> Any:
        """Ask until there is an answer: after thousands of others, one is worth it."""
        for _asking in range(ASKINGS - 1):
            with suppress(CommandError):
                return await self._async_ask(device, name, *arguments)
        return await self._async_ask(device, name, *arguments)

    async def _async_ask(self, device: SafetyDevice, name: str, *arguments: Any) -> Any:
        try:
            return await self.contact(device).board.ask(name, *arguments)
        except BoardError as err:
            raise err.of(device) from err

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


def _midnight(day: date) -> datetime:
    return datetime.combine(day, clock_time(), dt_util.get_default_time_zone())


def _end_of(day: date) -> datetime:
    return _midnight(min(day, _LAST_DAY) + timedelta(days=1))


def _credential(card: Any) -> Credential:
    """Return a card as it is on a board.

    One with dates that are none opens never; a time profile is a door of another name, so
    that such a card is never taken for one of ours.
    """
    days = card.start_date, card.end_date
    begin = end = dt_util.utc_from_timestamp(0)
    if all(days):
        begin, end = _midnight(days[0]), _end_of(days[1])
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
