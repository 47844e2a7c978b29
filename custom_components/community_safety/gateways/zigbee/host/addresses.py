"""Who has which network address.

A message names its sender by the network address alone, and a device is known by its EUI64.
While the gateway is connected the co-processor tells of everybody that comes back; what has
become of an address before that, only its owner knows. So each address is asked once in each
connection: before the first request goes there, and after the first message from there, which
is not kept waiting for it.
"""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any, override

from bellows.zigbee.application import ControllerApplication
import zigpy.types as t

#: Network address of every coordinator, and that of a device which has none.
COORDINATOR, NOWHERE = 0x0000, 0xFFFE
NWK: Any = t.NWK
NWK_MODE = t.AddrMode.NWK
#: Strangers whose packets are kept until it is known who they are, and packets of each address.
MOST_STRANGERS, MOST_KEPT = 50, 10
#: ZDO, "which is your EUI64": only the address that is asked for, from the beginning.
IEEE_ADDRESS_REQUEST, ONLY_IT = 0x0001, bytes(2)
#: Seconds that the first request to an address waits for the word of who is there.
CERTAIN_SECONDS = 1.0


class Addresses(ControllerApplication):
    """bellows's application, which makes certain of who has a network address."""

    _dblistener: Any

    def __init__(self, config: dict[str, Any]) -> None:
        """Initialize; of no address it is certain yet who has it."""
        super().__init__(config)
        self._by_nwk: dict[int, Any] = {}
        #: Addresses whose owner was told since the connection began.
        self._certain: set[int] = set()
        #: Addresses that requests have asked, set once they need not wait any more.
        self._asked: dict[int, asyncio.Event] = {}
        self._looked_for: set[int] = set()
        #: The newest packets of addresses that nobody is known to have, …
        self._of_strangers: dict[int, deque[t.ZigbeePacket]] = {}
        #: … and those of addresses whose owner is not certain: they were taken for its.
        self._of_uncertain: dict[int, deque[t.ZigbeePacket]] = {}
        #: Network address of the packet that is being dealt with.
        self._speaking: Any = None

    @override
    def get_device(self, ieee: Any = None, nwk: Any = None) -> Any:
        """Return a device; zigpy looks through all of them for every packet."""
        if ieee is None and nwk is not None:
            known = self._by_nwk.get(nwk)
            if (
                known is not None
                and known.nwk == nwk
                and self.devices.get(known.ieee) is known
            ):
                return known
        found = super().get_device(ieee=ieee, nwk=nwk)
        if nwk is not None:
            self._by_nwk[nwk] = found
        return found

    @override
    async def request(self, device: Any, *args: Any, **kwargs: Any) -> Any:
        await self._make_certain(device.nwk)
        # It may have no address any more.
        return await super().request(device, *args, **kwargs)

    async def _make_certain(self, nwk: int, priority: int | None = None) -> None:
        """Ask who has an address, and wait for the answer.

        Who does not answer in time is not waited for again until it says something: a
        cut-off must not fail for it.
        """
        if nwk in self._certain or nwk in {COORDINATOR, NOWHERE}:
            return
        if asked := self._asked.get(nwk):
            if asked.is_set():
                return
            # That question may stand in a queue which a cut-off does not stand in.
            ask = self._packet_priority_var.get() >= t.PacketPriority.CRITICAL
        else:
            asked, ask = self._asked.setdefault(nwk, asyncio.Event()), True
        with suppress(Exception):
            # What cannot be asked, cannot be told either: the request will say why.
            async with asyncio.timeout(CERTAIN_SECONDS):
                if ask:
                    await self._async_ask_owner(nwk, priority)
                await asked.wait()
        asked.set()

    @override
    def handle_join(
        self, nwk: Any, ieee: Any, parent_nwk: Any, *, handle_rejoin: bool = True
    ) -> None:
        before = self._owner(nwk)
        kept = [*self._of_strangers.pop(nwk, ())]
        # Anybody may announce what it likes of others; the co-processor knows, and so do we.
        if nwk != COORDINATOR and (
            parent_nwk is not None or ieee in self.devices or nwk == self._speaking
        ):
            for device in self.devices.values():
                if device.nwk == nwk and device.ieee != ieee:
                    # It was away, and its address is another's: nothing must go astray.
                    device.nwk = NWK(NOWHERE)
                    self._dblistener.device_joined(device)
                    self.handle_leave(nwk, device.ieee)
            self._certain.add(nwk)
            if asked := self._asked.get(nwk):
                asked.set()
            uncertain = self._of_uncertain.pop(nwk, ())
            if before is not None and before.ieee == ieee:
                if not handle_rejoin:
                    # It was only asked: zigpy would end what waits for one that came back.
                    return
            else:
                kept += uncertain
        # Else zigpy would ask whoever comes back for its groups, which nobody uses here.
        super().handle_join(nwk, ieee, parent_nwk, handle_rejoin=False)
        for packet in kept:
            asyncio.get_running_loop().call_soon(self.packet_received, packet)

    @override
    def handle_leave(self, nwk: Any, ieee: Any) -> None:
        # Also what two devices have at the same time ends with this.
        self._certain.discard(nwk)
        if asked := self._asked.pop(nwk, None):
            asked.set()
        super().handle_leave(nwk, ieee)

    @override
    async def shutdown(self, *, db: bool = True) -> None:
        for asked in self._asked.values():
            # Whoever waits for an answer, waits for it in vain.
            asked.set()
        await super().shutdown(db=db)

    def _keep(self, packet: t.ZigbeePacket) -> None:
        """Keep what may be an alarm, of whom it is not certain."""
        source: Any = packet.src
        if not packet.profile_id or source is None or source.addr_mode != NWK_MODE:
            return
        nwk = int(source.address)
        if self._owner(nwk) is None:
            self._of_strangers.setdefault(nwk, deque(maxlen=MOST_KEPT)).append(packet)
            if len(self._of_strangers) > MOST_STRANGERS:
                del self._of_strangers[next(iter(self._of_strangers))]
        elif nwk not in self._certain:
            kept = self._of_uncertain.setdefault(nwk, deque())
            kept.append(packet)
            if len(kept) == MOST_KEPT:
                # It does not know that question; nobody has said anything else.
                self._certain.add(nwk)
                del self._of_uncertain[nwk]
            elif (asked := self._asked.get(nwk)) is None or asked.is_set():
                self._asked.pop(nwk, None)
                self.create_task(
                    self._make_certain(nwk, t.PacketPriority.HIGH), "ask the sender"
                )

    def _owner(self, nwk: int) -> Any:
        with suppress(KeyError):
            return self.get_device(nwk=nwk)
        return None

    @override
    async def _discover_unknown_device(self, nwk: Any) -> None:
        """Find out who has a network address; zigpy asks all, and sleepers do not hear."""
        if nwk in self._looked_for:
            return
        self._looked_for.add(nwk)
        try:
            # The co-processor knows its neighbours.
            await self._handle_no_such_device(nwk)
            if self._owner(nwk) is None:
                await self._async_ask_owner(nwk, t.PacketPriority.HIGH)
        finally:
            self._looked_for.discard(nwk)

    async def _async_ask_owner(self, nwk: Any, priority: int | None = None) -> None:
        number = self.get_sequence()
        types: Any = t
        await self.send_packet(
            types.ZigbeePacket(
                src=types.AddrModeAddress(types.AddrMode.NWK, COORDINATOR),
                src_ep=0,
                dst=types.AddrModeAddress(types.AddrMode.NWK, nwk),
                dst_ep=0,
                tsn=number,
                profile_id=0,
                cluster_id=IEEE_ADDRESS_REQUEST,
                data=types.SerializableBytes(
                    bytes((number,)) + NWK(nwk).serialize() + ONLY_IT
                ),
                tx_options=t.TransmitOptions.ACK,
                extended_timeout=True,
                priority=priority,
            )
        )
