"""One Zigbee device at work: what it reports, what it is asked, what it is told."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from functools import cache, partial
import inspect
from typing import Any, Protocol

from zha.exceptions import ZHAException
from zha.zigbee.device import Device
from zhaquirks import LocalDataCluster
from zhaquirks.tuya import TuyaNewManufCluster
from zhaquirks.tuya.mcu import TuyaClusterData, TuyaMCUCluster
import zigpy.exceptions
from zigpy.types import EUI64, PacketPriority, ZigbeePacket
from zigpy.zcl import Cluster
from zigpy.zcl.clusters.general import Basic, OnOff
from zigpy.zcl.clusters.security import IasWd, IasZone, WarningType
from zigpy.zcl.foundation import Status

from ....catalogue.measurements import Value, parse_point
from ....core.device import Power, SafetyDevice
from ...base import CommandError
from .identity import ENROLMENT, async_is_other, enrolling, is_enrolled
from .matching import clusters_of
from .profile import Binding, Profile, Zone
from .table import ALARM_BITS, NEVER_WHOLE, ZONE_BITS
from .zones import notified_status, zone_alarm

#: Seconds for the answer to one try, and how often one is tried again: with the way to the
#: device looked for anew. All of it fits into one try of a cut-off.
ANSWER_SECONDS = 1.2
RETRIES = 1
#: Reading at leisure: a router far away may be slow.
READ_SECONDS = 5.0

_ZONE_STATUS = IasZone.AttributeDefs.zone_status.name
#: Values that a device has sent, by the events of zigpy's clusters.
_SENT = ("attribute_report", "attribute_updated")
_READ = "attribute_read"


class Radio(Protocol):
    """What a device needs of its coordinator."""

    #: zigpy's application.
    app: Any
    #: Limits how many devices are asked for all their readings at the same time.
    asking: asyncio.Semaphore

    @property
    def receiving(self) -> bool:
        """Return if what happens is because of a packet that has just come."""

    def create_task(
        self, work: Coroutine[Any, Any, None], name: str, /
    ) -> asyncio.Task[None]:
        """Run something until it ends or the gateway does."""

    def refuse(self, device: str, reason: str) -> None:
        """Count a message that was of no use."""


class Watcher(Protocol):
    """Who wants to know if a device is still what it was."""

    def became_another(self, device_id: str, /) -> None:
        """Take that another device answers at its address."""

    def zones_asked(self, device_id: str, enrolled: bool, /) -> None:
        """Take if every zone tells us, and nobody else, of its alarms."""


class Node:
    """A device that is bound to its readings, until it is unbound."""

    def __init__(
        self,
        radio: Radio,
        device: Device,
        profile: Profile,
        safety: SafetyDevice,
        watcher: Watcher,
    ) -> None:
        """Initialize; nothing is known to be true until it was reported or read."""
        self.device = device
        self.profile = profile
        self.safety = safety
        self.verified = False
        self._radio = radio
        self._watcher = watcher
        #: If it has joined anew, perhaps as another device, and how often it has.
        self._has_come_back = False
        self._comebacks = 0
        self._nwk = device.device.nwk
        self._undo: list[Callable[[], None]] = []
        #: The last status of each IAS zone.
        self._zones: dict[Cluster | int, int] = {}
        #: What each source has said last of a flag that several tell of.
        self._flags: dict[str, dict[object, bool]] = {}
        self._verifying: asyncio.Task[None] | None = None
        #: Readings whose scale is not known, with the value that waits for it, …
        self._unscaled: dict[str, object] = {}
        #: … and if it was asked for, so that the next value cannot wait any more.
        self._scales_asked = False
        self._find_scales()
        #: Relays that can be asked for nothing else; a Tuya device tells all or nothing.
        self._relays = [
            item
            for item in profile.bindings
            if item.remote and item.key in profile.supplies
        ]
        own = {item.key for item in profile.bindings}
        tellers = Counter(item.key for item in profile.bindings)
        tellers.update({item.measurement for item in profile.zones if item.measurement})
        self._shared = {key for key, number in tellers.items() if number > 1}
        #: What bits of a zone's status mean; an attribute that says the same knows better.
        self._bits = {
            key: bits
            for key, bits in ZONE_BITS.items()
            if key in safety.points and key not in own
        }

    @property
    def id(self) -> str:
        """Return the device's address, by which the gateway knows it."""
        return str(self.device.ieee)

    @property
    def is_sleepy(self) -> bool:
        """Return if the device can be asked only while it is awake."""
        return self.safety.power is Power.BATTERY

    # What it reports

    def bind(self) -> None:
        """Listen to everything that carries a reading."""
        by_cluster: dict[Cluster, dict[str, Callable[[Any, bool], None]]] = {}
        for item in self.profile.bindings:
            by_cluster.setdefault(item.cluster, {})[item.attribute] = self._taker(item)
        for zone in self.profile.zones:
            by_cluster.setdefault(zone.cluster, {})[_ZONE_STATUS] = partial(
                self._take_zone, zone
            )
        for cluster, takers in by_cluster.items():
            self._listen(cluster, takers)
        for cluster in clusters_of(self.device):
            if isinstance(cluster, TuyaNewManufCluster):
                self._guard(cluster)

    def remember(self) -> None:
        """Take what a sleeper has said before: a number does not age as an alarm does."""
        if not self.is_sleepy:
            return
        for item in self.profile.bindings:
            raw = item.cluster.get(item.attribute)
            if raw is not None and self.safety.points[item.key].measurement.is_number:
                self._taker(item)(raw, False)

    @property
    def tells_nobody(self) -> bool:
        """Return if a zone tells nobody of its alarms, as it has said last."""
        return bool(self._lost_zones())

    def unbind(self) -> None:
        """End everything."""
        if self._verifying:
            self._verifying.cancel()
        for undo in self._undo:
            undo()
        self._undo.clear()

    def heard(self, packet: ZigbeePacket) -> None:
        """Note a sign of life, and ask a sleeper what it could not tell before."""
        if packet.lqi is None:
            self.safety.seen()
        else:
            values: dict[str, Value] = {"link_quality": float(packet.lqi)}
            if packet.rssi is not None:
                values["signal_strength"] = float(packet.rssi)
            self.safety.update(values)
        if packet.cluster_id == IasZone.cluster_id:
            self._check_zone(packet)
        if not self.verified:
            self.verify()

    def _check_zone(self, packet: ZigbeePacket) -> None:
        """Take what zigpy drops: a broken status, and that of a zone it does not know."""
        try:
            status = notified_status(packet)
        except ValueError:
            self._refuse("zone status: unusable value", *self._zone_keys)
            return
        if status is not None and not any(
            zone.cluster.endpoint.endpoint_id == packet.src_ep
            for zone in self.profile.zones
        ):
            measurement = zone_alarm(None, self.profile.kind)
            self._take_status(packet.src_ep or 0, measurement, status, fresh=True)

    @property
    def _zone_keys(self) -> set[str]:
        return {zone.measurement for zone in self.profile.zones if zone.measurement}

    def _refuse(self, what: str, *keys: str) -> None:
        """Count a value that nothing can be made of: of danger, it is a sensor fault."""
        self._radio.refuse(self.id, what)
        self.safety.update({}, unusable=keys)

    def _listen(
        self, cluster: Cluster, takers: dict[str, Callable[[Any, bool], None]]
    ) -> None:
        def sent(event: Any) -> None:
            if take := takers.get(event.attribute_name):
                # Outside of a packet it is what a quirk or a command hopes for.
                take(event.value, self._radio.receiving)

        def was_read(event: Any) -> None:
            if take := takers.get(event.attribute_name):
                take(event.value, True)

        self._undo += [cluster.on_event(name, sent) for name in _SENT]
        if not isinstance(cluster, LocalDataCluster):
            # Of the others a read is but a look into zigpy's own memory.
            self._undo.append(cluster.on_event(_READ, was_read))

    def _taker(self, item: Binding) -> Callable[[Any, bool], None]:
        key = item.key

        def take(raw: Any, fresh: bool) -> None:
            unscaled = key in self._unscaled
            if unscaled and not self._may_read_unscaled(key, raw, fresh):
                return
            try:
                value = item.read(raw)
            except Exception:  # noqa: BLE001
                # A quirk's own conversion may fail in any way.
                self._refuse(f"{key}: unusable value", key)
                return
            if value is None:
                if fresh and key in self.safety.readings:
                    # The device itself says that it does not know any more.
                    self.safety.update({}, unusable=(key,))
                return
            if key in self._shared:
                value = self._together(key, item, bool(value))
            self.safety.update(
                {key: value}, fresh=fresh, unscaled=(key,) if unscaled else ()
            )

        return take

    def _together(self, key: str, source: object, value: bool) -> bool:
        """Return if any source of a flag says that it is on: the calm of one is its own."""
        said = self._flags.setdefault(key, {})
        said[source] = value
        return any(said.values())

    def _take_zone(self, zone: Zone, raw: Any, fresh: bool) -> None:
        try:
            status = int(raw)
        except TypeError, ValueError:
            self._refuse("zone status: unusable value", *self._zone_keys)
            return
        self._take_status(
            zone.cluster, zone.measurement, status, fresh=fresh, remote=zone.remote
        )

    def _take_status(
        self,
        source: Cluster | int,
        measurement: str | None,
        status: int,
        *,
        fresh: bool,
        remote: bool = True,
    ) -> None:
        values: dict[str, Value] = {}
        if remote:
            # One that a quirk has made up has the bits of its alarm alone.
            self._zones[source] = status
            together = 0
            for bits in self._zones.values():
                together |= bits
            values = {
                key: bool(together & bits) or any(self._flags.get(key, {}).values())
                for key, bits in self._bits.items()
            }
        if measurement in self.safety.points:
            alarm = self._together(measurement, source, bool(status & ALARM_BITS))
            values[measurement] = alarm or bool(values.get(measurement))
        self.safety.update(values, fresh=fresh)

    def _guard(self, cluster: TuyaNewManufCluster) -> None:
        """Keep a data point that its quirk cannot take from taking the others with it."""
        take = cluster._dp_2_attr_update  # noqa: SLF001

        def guarded(datapoint: Any) -> None:
            try:
                take(datapoint)
            except Exception:  # noqa: BLE001
                self._refuse(
                    f"data point {int(datapoint.dp)}: unusable value",
                    *self._keys_of_point(cluster, datapoint.dp),
                )

        cluster.__dict__["_dp_2_attr_update"] = guarded
        self._undo.append(lambda: cluster.__dict__.pop("_dp_2_attr_update", None))

    def _keys_of_point(self, cluster: TuyaNewManufCluster, number: int) -> set[str]:
        """Return the readings that a data point carries."""
        attributes = {
            (row.ep_attribute, name)
            for row in cluster._dp_to_attributes.get(number, ())  # noqa: SLF001
            for name in (
                (row.attribute_name,)
                if isinstance(row.attribute_name, str)
                else row.attribute_name
            )
        }
        keys = {
            item.key
            for item in self.profile.bindings
            if (item.cluster.ep_attribute, item.attribute) in attributes
        }
        if (IasZone.ep_attribute, _ZONE_STATUS) in attributes:
            keys |= self._zone_keys
        return keys

    # How it is scaled

    def _find_scales(self) -> None:
        """Note the readings whose scale is not known, and keep what waits for one."""
        self._unscaled = {
            item.key: self._unscaled.get(item.key)
            for item in self.profile.bindings
            if not _is_scaled(item)
        }

    def _may_read_unscaled(self, key: str, raw: Any, fresh: bool) -> bool:
        """Keep a value until its scale was asked for; after that it is told as it is.

        A hundredth of an ampere is not to be taken for an ampere.
        """
        if not fresh:
            return False
        self._unscaled[key] = raw
        if self._scales_asked:
            self._radio.refuse(self.id, f"{key}: scale unknown")
        else:
            self.doubt()
        return self._scales_asked

    async def _async_read_scales(self) -> None:
        """Read what was lost: it is read when a device joins, and never again."""
        if not self._unscaled:
            return
        wanted: dict[Cluster, list[str]] = {}
        for item in self.profile.bindings:
            if item.key in self._unscaled:
                names = wanted.setdefault(item.cluster, [])
                names += [
                    name
                    for options in item.scale
                    for name in options
                    if name not in names
                ]
        try:
            await _all(
                self._async_read_attributes(cluster, names)
                for cluster, names in wanted.items()
            )
        finally:
            self._scales_asked = True
            waiting = {
                key: raw for key, raw in self._unscaled.items() if raw is not None
            }
            self._find_scales()
            for item in self.profile.bindings:
                if item.key in waiting:
                    # Also what is refused now: that is seen at once.
                    self._taker(item)(waiting[item.key], True)

    # What it is asked

    def doubt(self) -> None:
        """Hold everything for unverified: it was away, or we were."""
        self.verified = False
        self._scales_asked = False

    def came_back(self) -> None:
        """Take that it has announced itself: what it shows is doubted, and what it is."""
        self._has_come_back = True
        self._comebacks += 1
        self.doubt()

    def verify(self) -> None:
        """Begin to find out how things are, unless that is under way."""
        if self._verifying is None or self._verifying.done():
            self._verifying = self._radio.create_task(
                self._async_verify(), f"verify {self.id}"
            )

    async def _async_verify(self) -> None:
        # Once more if it was doubted again meanwhile.
        while not self.verified:
            self.verified, comebacks = True, self._comebacks
            try:
                # Danger first, and relays: one that was cut may have come back closed. The
                # rest waits until all have been asked for that.
                async with self._radio.app.request_priority(PacketPriority.HIGH):
                    await _all(
                        [
                            self._async_read_zones(),
                            *(
                                []
                                if self.is_sleepy
                                else [self._async_read(self._relays)]
                            ),
                        ]
                    )
                await self._async_look_after_zones()
                await self._async_read_scales()
                if self.is_sleepy:
                    await self._async_compare()
                else:
                    # A few at a time: when the mains return, all of them are back at once.
                    async with (
                        self._radio.asking,
                        self._radio.app.request_priority(PacketPriority.LOW),
                    ):
                        await self._async_compare()
                        await self._async_read(
                            item
                            for item in self.profile.bindings
                            if item not in self._relays
                        )
            except CommandError:
                self.verified = False
                if comebacks == self._comebacks:
                    # The next thing that it says, or its silence, has it asked again.
                    return

    async def async_ask(self) -> None:
        """Ask for anything at all, so that its silence ends or is known."""
        basic = self.device.basic_cluster
        remote = next((item for item in self.profile.bindings if item.remote), None)
        with suppress(CommandError):
            async with self._radio.app.request_priority(PacketPriority.LOW):
                if not self.verified:
                    await self._async_read_zones()
                    self.verified = True
                await self._async_read_scales()
                if remote:
                    await self._async_read([remote])
                elif basic is not None:
                    await self._async_read_attributes(
                        basic, [Basic.AttributeDefs.zcl_version.name]
                    )

    async def async_refresh(self, keys: Iterable[str]) -> None:
        """Read now what carries some readings. Raises CommandError."""
        wanted = set(keys)
        async with self._radio.app.request_priority(PacketPriority.CRITICAL):
            if wanted & {
                *self._bits,
                *(zone.measurement for zone in self.profile.zones),
            }:
                await self._async_read_zones()
            await self._async_read(
                [item for item in self.profile.bindings if item.key in wanted]
            )

    async def _async_read_zones(self) -> None:
        """Read every zone: one that does not answer hides nothing of the others."""
        await _all(
            self._async_read_attributes(zone.cluster, [_ZONE_STATUS, *ENROLMENT])
            for zone in self.profile.zones
            if zone.remote
        )

    async def _async_look_after_zones(self) -> None:
        """Enrol zones that do not tell us; one that still does not is a sensor fault."""
        for zone in self._lost_zones():
            for request in enrolling(zone.cluster, self._ours):
                with suppress(CommandError):
                    await self._async_do(request)
            await self._async_read_attributes(zone.cluster, [_ZONE_STATUS, *ENROLMENT])
        self._tell_of_zones()

    @property
    def _ours(self) -> EUI64:
        """Return the address that zones are to tell of their alarms."""
        ours: EUI64 = self._radio.app.state.node_info.ieee
        return ours

    def _lost_zones(self) -> list[Zone]:
        """Return the zones that tell nobody, or somebody else, as they have said last."""
        return [
            zone
            for zone in self.profile.zones
            if zone.remote and not is_enrolled(zone.cluster, self._ours)
        ]

    def _tell_of_zones(self) -> None:
        """Tell if every zone has us told of its alarms; one that has not is a sensor fault."""
        lost = self._lost_zones()
        if keys := {zone.measurement for zone in lost if zone.measurement}:
            # It is asked now and then, and a fire would be seen then: that is no watch.
            self._refuse("zone not enrolled", *keys)
        if any(zone.remote for zone in self.profile.zones):
            self._watcher.zones_asked(self.id, not lost)

    async def _async_compare(self) -> None:
        """Ask what it is, if it has come back: it may be another device."""
        if not self._has_come_back:
            return
        moved = self.device.device.nwk != self._nwk
        try:
            other = await async_is_other(self.device, self._async_do, has_moved=moved)
        except CommandError:
            # It is asked once more when it is doubted the next time.
            return
        self._has_come_back = False
        if other:
            self._watcher.became_another(self.id)

    async def _async_read(self, items: Iterable[Binding]) -> None:
        by_cluster: dict[Cluster, list[str]] = {}
        ask_tuya = False
        for item in items:
            if item.remote:
                by_cluster.setdefault(item.cluster, []).append(item.attribute)
            else:
                ask_tuya = True
        reads: list[Coroutine[Any, Any, None]] = [
            self._async_read_attributes(cluster, names)
            for cluster, names in by_cluster.items()
        ]
        if ask_tuya and (mcu := self._mcu()):
            reads.append(
                self._async_do(
                    partial(mcu.command, mcu.ServerCommandDefs.query_data.id)
                )
            )
        await _all(reads)

    async def _async_read_attributes(self, cluster: Cluster, names: list[str]) -> None:
        await self._async_do(
            partial(
                cluster.read_attributes, [*names], timeout=READ_SECONDS, retries=RETRIES
            )
        )

    def _mcu(self) -> TuyaMCUCluster | None:
        for cluster in clusters_of(self.device):
            if isinstance(cluster, TuyaMCUCluster):
                return cluster
        return None

    # What it is told

    async def async_set(self, key: str, value: Value) -> None:
        """Do something, before everything else that is waiting. Raises CommandError."""
        async with self._radio.app.request_priority(PacketPriority.CRITICAL):
            if relay := self.profile.supplies.get(key):
                await self._async_switch(relay, bool(value))
            elif (what := self.profile.commands.get(key)) is None:
                raise CommandError(self.safety, "refused", f"no such command: {key}")
            elif isinstance(what, Cluster):
                await self._async_do(partial(_silence, what))
            else:
                button: Any = what
                await self._async_do(
                    getattr(button, "async_press", None) or button.async_turn_on
                )

    async def _async_switch(self, relay: Cluster, closed: bool) -> None:
        if isinstance(relay, LocalDataCluster) and (mcu := self._mcu()):
            # Its quirk would send the command later, and tell nobody if that has failed.
            data = TuyaClusterData(
                endpoint_id=relay.endpoint.endpoint_id,
                cluster_name=relay.ep_attribute,
                cluster_attr="on_off",
                attr_value=closed,
                expect_reply=True,
                manufacturer=None,
            )
            for point in mcu.from_cluster_data(data):
                await self._async_do(
                    partial(mcu.command, mcu.mcu_write_command, point, **_patience(mcu))
                )
            return
        command = OnOff.ServerCommandDefs.on if closed else OnOff.ServerCommandDefs.off
        await self._async_do(partial(relay.command, command.id, **_patience(relay)))

    async def _async_do(self, request: Callable[[], Awaitable[Any]]) -> Any:
        """Do a request, and return its answer.

        Raises CommandError, whatever has gone wrong below.
        """
        try:
            answer = await request()
        except (TimeoutError, zigpy.exceptions.DeliveryError) as err:
            raise CommandError(
                self.safety, "no_answer", str(err) or "no answer"
            ) from err
        except ZHAException as err:
            raise CommandError(self.safety, "refused", str(err)) from err
        except Exception as err:
            # After the loss of the link anything may be raised, also AttributeError.
            raise CommandError(
                self.safety, "not_connected", str(err) or type(err).__name__
            ) from err
        status = getattr(answer, "status", None)
        if isinstance(status, int) and status != Status.SUCCESS:
            raise CommandError(
                self.safety, "refused", getattr(status, "name", str(status))
            )
        return answer


def _patience(cluster: Cluster) -> dict[str, Any]:
    """Return how long to wait, for a command that a quirk has not made its own."""
    if _takes_any(type(cluster).command):
        return {"timeout": ANSWER_SECONDS, "retries": RETRIES}
    return {}


@cache
def _takes_any(command: Callable[..., Any]) -> bool:
    parameters = inspect.signature(command).parameters.values()
    return any(item.kind is item.VAR_KEYWORD for item in parameters)


async def _silence(siren: Cluster) -> Any:
    """Tell a siren to stop: IAS WD, ZCL 8.4.2.3."""
    return await siren.command(
        IasWd.ServerCommandDefs.start_warning.id,
        WarningType(),
        0,
        0,
        0,
        timeout=ANSWER_SECONDS,
        retries=RETRIES,
    )


async def _all(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all of it, then raise the first error: none takes the others with it."""
    for result in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


def _is_scaled(item: Binding) -> bool:
    """Return if it is known how to read an attribute."""
    whole = parse_point(item.key).measurement.key not in NEVER_WHOLE
    return all(
        _scale_known(item.cluster, names, whole or "multiplier" in names[0])
        for names in item.scale
    )


def _scale_known(cluster: Cluster, names: tuple[str, ...], may_lack: bool) -> bool:
    """Return if a device has told a number of its scale; zero is none.

    Where it may lack it, it may also say that it has none: that is 1 (ZCL 4.9.2.2).
    """
    for name in names:
        if (value := cluster.get(name)) is not None:
            return bool(value)
    return may_lack and all(cluster.is_attribute_unsupported(name) for name in names)
