"""bellows's application, as a gateway that must not miss anything needs it."""

import asyncio
from collections.abc import Collection
import time
from typing import Any, Protocol, override

from bellows.ash import AshProtocol, DataFrame
from bellows.zigbee.application import ControllerApplication
from zigpy.config import CONF_DATABASE, CONF_NWK, CONF_NWK_EXTENDED_PAN_ID
from zigpy.exceptions import NetworkSettingsInconsistent, ParsingError
import zigpy.types as t

from homeassistant.util.async_ import create_eager_task

from ....const import LOGGER
from .addresses import COORDINATOR, Addresses
from .database import Database
from .reports import take_report

#: Packets that are kept until everybody listens.
MOST_EARLY = 2000
#: Clusters whose own commands are never answers: IAS zone and Tuya's data points.
UNASKED = {0x0500, 0xEF00}
#: Frame control of the ZCL (2.4.1.1).
FRAME_TYPE, CLUSTER_SPECIFIC, MANUFACTURER_SPECIFIC = 0x03, 0x01, 0x04
STRANGER = "an unknown device"


class Ears(Protocol):
    """Who wants to know of packets, once they have been dealt with."""

    def packet_received(self, packet: t.ZigbeePacket) -> None:
        """Take that a packet was dealt with."""

    def refuse(self, device: str, reason: str) -> None:
        """Count a message that was of no use."""

    async def async_announced(self) -> None:
        """Return once no alarm waits to be announced, and what they set off has begun."""


class _Awaited(dict[int, Any]):
    """Commands under way: that nobody waits for an answer any more is no error."""

    @override
    def __setitem__(self, key: int, value: Any) -> None:
        value[-1].add_done_callback(lambda it: it.cancelled() or it.exception())
        super().__setitem__(key, value)


class OpenedOften(ControllerApplication):
    """bellows's application, which may be made any number of times in a process.

    probatio compiles a schema that is used for the 50th time, and 0.13.0 fails at that of
    zigpy 2.4: it has a number below infinity. One that is made anew is not compiled.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        """Initialize."""
        super().__init__(config)
        self._loading: asyncio.Task[None] | None = None
        #: Ends that have begun, without the database and with it.
        self._ends: dict[bool, asyncio.Task[None]] = {}

    @staticmethod
    @override
    def SCHEMA(config: dict[str, Any]) -> Any:  # type: ignore[override]
        """Return a configuration that was checked, with its defaults."""
        return ControllerApplication.SCHEMA.extend({})(config)

    @override
    async def _load_db(self) -> None:
        self._loading = asyncio.create_task(self._async_load_db())
        try:
            await asyncio.shield(self._loading)
        except BaseException:
            # Who asks for it has no application yet that they could end.
            await self.shutdown()
            raise

    async def _async_load_db(self) -> None:
        await super()._load_db()

    @override
    async def shutdown(self, *, db: bool = True) -> None:
        """End, and to the end: a half-closed database would keep its thread for ever.

        Whoever waits for it may be cancelled, and whoever asks again waits for the same.
        """
        if db not in self._ends:
            # What is being opened can only be closed once it is open.
            before = [task for task in (self._loading, *self._ends.values()) if task]
            self._ends[db] = asyncio.create_task(self._async_end(before, db))
        await asyncio.shield(self._ends[db])

    async def _async_end(
        self, before: Collection[asyncio.Task[None]], db: bool
    ) -> None:
        if before:
            await asyncio.wait(before)
        await super().shutdown(db=db)


class Application(Addresses, OpenedOften):
    """bellows's application, with an ear before the devices'."""

    radio: Ears

    def __init__(self, config: dict[str, Any]) -> None:
        """Initialize."""
        super().__init__(config)
        self.receiving = False
        #: Packets that came before anybody listened; None once somebody does.
        self.early: list[t.ZigbeePacket] | None = []
        #: Monotonic time of the last word of the co-processor.
        self.last_word = time.monotonic()
        self._closing = False
        self.route_errors = 0

    @override
    async def connect(self) -> None:
        await super().connect()
        # bellows wraps it for the case that it lives in a thread of its own.
        ezsp: Any = self._ezsp
        ezsp._protocol._awaiting = _Awaited()  # noqa: SLF001
        self._ask_once(ezsp)
        ash = ezsp._gw._obj._transport  # noqa: SLF001
        if isinstance(ash, AshProtocol):
            self._quiet(ash)

    @staticmethod
    def _ask_once(ezsp: Any) -> None:
        """Spare the question before every message if a device's timeout is the short one.

        It is the default, also of what the co-processor forgets, and nobody else sets it.
        The question costs a way there and back, before an off command too. Messages take
        turns at this (`_req_lock`).
        """
        protocol: Any = None
        short: set[Any] = set()

        async def set_extended_timeout(
            nwk: Any, ieee: Any, extended_timeout: bool = True
        ) -> None:
            nonlocal protocol
            if protocol is not ezsp._protocol:  # noqa: SLF001
                # bellows makes a new one after each reset.
                protocol = ezsp._protocol  # noqa: SLF001
                short.clear()
            if not extended_timeout and ieee in short:
                return
            short.discard(ieee)
            await protocol.set_extended_timeout(
                nwk=nwk, ieee=ieee, extended_timeout=extended_timeout
            )
            if not extended_timeout:
                short.add(ieee)

        ezsp.set_extended_timeout = set_extended_timeout

    @override
    def create_task(self, target: Any, name: str | None = None) -> Any:
        task = super().create_task(target, name)
        task.add_done_callback(self._task_done)
        return task

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        # What goes on for a minute (bellows's pre_permit) may outlive its connection.
        # zigpy 2.4 has a method of this name, which takes that for an error.
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            LOGGER.debug("%s failed: %r", task.get_name(), error)

    @override
    async def _async_load_db(self) -> None:
        self._dblistener = await Database.new(self.config[CONF_DATABASE], self)
        await self._dblistener.load()
        self._add_db_listeners()  # type: ignore[no-untyped-call]

    @override
    async def initialize(self, *, auto_form: bool = False) -> None:
        """Start the network that is on the radio. Never is one written to it unasked.

        The library would give an empty radio the last backup with its EUI64, which some
        take only once. Raises NetworkNotFormed, or NetworkSettingsInconsistent.
        """
        await super().initialize(auto_form=False)

    @override
    async def start_network(self) -> None:
        ours = self.config[CONF_NWK][CONF_NWK_EXTENDED_PAN_ID]
        if ours != self.state.network_info.extended_pan_id:
            # zigpy compares with its last backup, and has none if its database was lost.
            found = self.backups.from_network_state()
            raise NetworkSettingsInconsistent(
                "Not the network of this gateway", new_state=found, old_state=found
            )
        # bellows listens once more each time, and a new network is started twice: every
        # message would be dealt with twice, until the next connection.
        ezsp: Any = self._ezsp
        for number, listener in tuple(ezsp._callbacks.items()):  # noqa: SLF001
            if listener == self.ezsp_callback_handler:
                ezsp.remove_callback(number)
        await super().start_network()  # type: ignore[no-untyped-call]

    @staticmethod
    def _quiet(ash: AshProtocol) -> None:
        """Let frames fail without a word where nobody waits for them any more.

        bellows shields them from those who wait, and asyncio reports what fails behind a
        shield as an error: on each loss of the link.
        """

        async def send_data(data: bytes) -> None:
            # It takes its numbers when it is its turn.
            frame = DataFrame(frm_num=0, re_tx=False, ack_num=0, ezsp_frame=data)
            # At once: a turn of the event loop may cost an off command milliseconds.
            sending = create_eager_task(ash._send_data_frame(frame))  # noqa: SLF001
            sending.add_done_callback(lambda it: it.cancelled() or it.exception())
            # Unlike a shield this leaves it alone, and does not look after it.
            await asyncio.wait((sending,))
            sending.result()

        ash.__dict__["send_data"] = send_data

    @override
    async def _async_end(
        self, before: Collection[asyncio.Task[None]], db: bool
    ) -> None:
        self._closing = True
        devices = [item for item in self.devices.values() if hasattr(item, "_requests")]
        # zigpy would go on trying: of all errors, this one alone is final.
        for waiting in (
            *(future for item in devices for future in item._requests.values()),  # noqa: SLF001
            *self._pending_requests.values(),
        ):
            if not waiting.done():
                waiting.set_exception(ParsingError("the radio was closed"))
                # Whoever waits may be cancelled first: nobody misses it then.
                waiting.exception()
        ezsp: Any = self._ezsp
        if ezsp is not None and ezsp._protocol is not None:  # noqa: SLF001
            awaited = ezsp._protocol._awaiting  # noqa: SLF001
            for *_, future in awaited.values():
                if not future.done():
                    # Not cancelled: zigpy would write that into the log, as an error.
                    future.set_exception(ParsingError("the radio was closed"))
                    future.exception()
            awaited.clear()
        # zigpy forgets its devices' tasks before they have ended, and then misses them.
        # Its scan of the neighbours takes one end for that of a scan, and goes on.
        for _end in range(2):
            tasks = [task for item in devices for task in item._tasks]  # noqa: SLF001
            scan = self.topology
            tasks += filter(None, (scan._scan_task, scan._scan_loop_task))  # noqa: SLF001
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks, timeout=1)
        await super()._async_end(before, db)

    @override
    async def send_packet(self, packet: t.ZigbeePacket) -> None:
        if self._closing:
            raise ParsingError("the radio was closed")
        await super().send_packet(packet)

    @override
    async def disconnect(self) -> None:
        self._closing = True
        await super().disconnect()  # type: ignore[no-untyped-call]

    @override
    def ezsp_callback_handler(self, frame_name: str, args: Any) -> None:
        self.last_word = time.monotonic()
        super().ezsp_callback_handler(frame_name, args)  # type: ignore[no-untyped-call]

    @override
    def handle_route_error(self, status: Any, nwk: Any) -> None:
        self.route_errors += 1
        super().handle_route_error(status, nwk)

    @override
    async def request(self, device: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("priority") == t.PacketPriority.LOW:
            # The co-processor takes one message after the other: that a detector's alarm
            # has come is confirmed to it after the off command that the alarm sets off.
            await self.radio.async_announced()
        return await super().request(device, *args, **kwargs)

    @override
    def packet_received(self, packet: t.ZigbeePacket) -> None:
        """Deal with a packet; whatever it holds, nothing is raised."""
        if self.early is not None:
            if packet.src and packet.src.address == COORDINATOR:
                # The start asks the coordinator itself, as if it were a device.
                super().packet_received(packet)
            elif len(self.early) < MOST_EARLY:
                self.early.append(packet)
            return
        self._keep(packet)
        self.receiving = True
        self._speaking = packet.src.address if packet.src else None
        kept = self._keep_requests(packet)
        try:
            if not take_report(self, packet):
                super().packet_received(packet)
        except Exception:  # noqa: BLE001
            # A quirk may fail in any way, and bellows would drop it without a word.
            self.radio.refuse(self.sender(packet) or STRANGER, "unusable message")
        finally:
            self.receiving = False
            self._speaking = None
            for requests, key, waiting in kept:
                requests.setdefault(key, waiting)
        self.radio.packet_received(packet)

    def _keep_requests(self, packet: t.ZigbeePacket) -> list[tuple[Any, Any, Any]]:
        """Take requests out of the way of a message that cannot be their answer.

        zigpy takes whatever has the sequence number of a request, and of its cluster, for
        the answer. An alarm that a device sends while its zone is being read would now and
        then be lost that way: both sides count from 0 to 255.
        """
        if packet.cluster_id not in UNASKED:
            return []
        data = packet.data.serialize()
        if len(data) < 3:
            return []
        flags = data[0]
        if flags & FRAME_TYPE != CLUSTER_SPECIFIC:
            return []
        sequence = data[3 if flags & MANUFACTURER_SPECIFIC else 1]
        try:
            device: Any = self.get_device_with_address(packet.src)  # type: ignore[arg-type]
            requests = device._requests  # noqa: SLF001
        except AttributeError, KeyError, ValueError:
            return []
        return [
            (requests, key, requests.pop(key))
            for key in tuple(requests)
            if key.cluster_id == packet.cluster_id and key.tsn == sequence
        ]

    def sender(self, packet: t.ZigbeePacket) -> str | None:
        """Return the address of who has sent a packet, None for a stranger."""
        try:
            return str(self.get_device_with_address(packet.src).ieee)  # type: ignore[arg-type]
        except AttributeError, KeyError, ValueError:
            return None

    def replay(self) -> None:
        """Deal with the packets that came too early."""
        early, self.early = self.early or [], None
        for packet in early:
            self.packet_received(packet)
