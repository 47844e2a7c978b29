"""Lets things happen in the compound, on request over MQTT.

`simulator/do` takes `{"event": "smoke", "where": "1-1-201", "id": "…"}`. The answer on
`simulator/done` has the same id, and `device` or `error`. With `{"event": "swipe", "where":
"1-1", "card": "10058400"}` somebody holds a card before a reader: the answer has `granted`;
with `{"event": "days", "where": "1"}` the controllers' clocks go ahead by so many, and with `{"event": "drive",
"where": null, "plate": "浙A0T5K9"}` a vehicle comes to the gate. What devices then do comes on `simulator/record` as `{"device", "name", "area", "what", "at"}`, `at` in Unix seconds.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
import time
from typing import Any

from . import phones
from .cameras import Cameras
from .compound import LANGUAGES, Compound
from .device import Device, Fault
from .doors import Doors
from .link import Link
from .providers import Providers
from .residents import Resident

TOPIC = "simulator"
#: The file with what the providers and the apps are told.
BOOK = "providers.json"


class Control:
    """The compound with its control channel."""

    def __init__(
        self,
        port: int,
        language: str = "en",
        flash: Path | None = None,
        radio_ports: Sequence[int] = (),
        providers_port: int | None = None,
        *,
        door_ports: Sequence[int] = (),
        frigate_port: int | None = None,
    ) -> None:
        """Initialize; `port` is the broker's.

        With `radio_ports` there are coordinators, whose networks are kept in `flash`,
        with `providers_port` the providers of push, SMS and calls, whose book is there, with
        `door_ports` door controllers, whose lists are kept nowhere, and with `frigate_port` a
        Frigate with two cameras.
        """
        self.compound = Compound(
            port, language, self._record, flash if radio_ports else None
        )
        self._radio_ports = radio_ports
        self._providers_port = providers_port
        self._providers = Providers((flash or Path()) / BOOK, self._ring)
        self._language = LANGUAGES.index(language)
        self._door_ports = door_ports
        self._doors = Doors(self._language)
        self._frigate_port = frigate_port
        self._cameras = Cameras(port, self._language)
        self._link = Link(
            port,
            subscriptions=(f"{TOPIC}/do", f"{phones.TOPIC}/+"),
            receive=self._receive,
            connected=lambda: phones.announce(self._link, self._language),
        )

    async def run(self) -> None:
        """Run until cancelled."""
        self._link.start()
        if self._door_ports:
            await self._doors.start(list(self._door_ports))
        try:
            async with asyncio.TaskGroup() as tasks:
                for gateway in self.compound.gateways:
                    tasks.create_task(gateway.run())
                for coordinator, port in zip(
                    self.compound.coordinators, self._radio_ports, strict=True
                ):
                    tasks.create_task(coordinator.run(port))
                if self._providers_port:
                    tasks.create_task(self._providers.run(self._providers_port))
                if self._frigate_port:
                    tasks.create_task(self._cameras.run(self._frigate_port))
        finally:
            if self._door_ports:
                await self._doors.stop()
            await self._link.stop()

    async def wait_connected(self) -> None:
        """Wait until everything has reached the broker."""
        for link in (self._link, *(gateway.link for gateway in self.compound.gateways)):
            await link.ready.wait()
        if self._frigate_port:
            await self._cameras.wait_connected()

    def _receive(self, topic: str, message: Any) -> None:
        if topic == f"{TOPIC}/do":
            self._do(message)
            return
        self._link.publish(
            f"{TOPIC}/record",
            {
                "device": "phone",
                "name": phones.PHONES[topic.rpartition("/")[2]][self._language],
                "area": "",
                "what": f"“{' '.join(message['message'].split())}”",
                "at": time.time(),
            },
        )

    def _do(self, message: Any) -> None:
        answer: dict[str, Any] = {}
        try:
            answer["id"] = message["id"]
            if message["event"] == "answer":
                mobile = self._providers.answer(
                    message["where"], message["way"], message["word"]
                )
                answer |= {"device": mobile.resident.id, "area": ""}
                answer["name"] = mobile.resident.names[self._language]
            elif message["event"] == "swipe":
                door, granted = self._doors.swipe(message["where"], message["card"])
                answer |= {"name": door, "granted": granted}
            elif message["event"] == "drive":
                if not self._frigate_port:
                    raise ValueError("There is no camera at the gate")
                camera, plate = self._cameras.drive(message.get("plate"))
                answer |= {"name": camera, "plate": plate}
            elif message["event"] == "days":
                self._doors.go_on(int(message["where"]))
            else:
                device = self._happen(message["event"], message.get("where"))
                answer |= {
                    "device": device.id,
                    "name": device.name,
                    "area": device.area,
                }
        except ValueError as err:
            answer["error"] = str(err)
        except KeyError, TypeError, AttributeError:
            answer["error"] = "Not understood"
        self._link.publish(f"{TOPIC}/done", answer)

    def _happen(self, event: str, where: str | None) -> Device:
        if event == "clear":
            devices = self.compound.at(where)
            for device in devices:
                device.clear()
            return devices[0]
        if event in {fault.value for fault in Fault}:
            # The supply of the place misbehaves: that is what a cut-off has to bear.
            device = self.compound.find("overload", where)[0]
            device.faults.add(Fault(event))
            return device
        device = self.compound.find(event, where)[0]
        device.happen(event)
        return device

    def _record(self, device: Device, what: str, at: float) -> None:
        self._link.publish(
            f"{TOPIC}/record",
            {
                "device": device.id,
                "name": device.name,
                "area": device.area,
                "what": what,
                "at": at,
            },
        )

    def _ring(self, resident: Resident, way: str, what: str) -> None:
        self._link.publish(
            f"{TOPIC}/record",
            {
                "device": "mobile",
                "person": resident.id,
                "way": way,
                "name": resident.names[self._language],
                "area": "",
                "what": what,
                "at": time.time(),
            },
        )
