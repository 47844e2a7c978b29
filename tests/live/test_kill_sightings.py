"""Kill -9 while cameras tell of vehicles: nothing is lost, nothing is there twice, nothing stays wrong."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
import json
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
import pytest

from simulator.frigate import Event, Frigate
from tests.common import clear_broker

from .process import PATIENCE, Process

pytestmark = pytest.mark.timeout(600)
_NOTED = ".storage/community_safety.frigate.01community_safety"


@contextmanager
def publisher(port: int) -> Iterator[Any]:
    """Yield what publishes as Frigate does, and has done so when it returns."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()

    def publish(topic: str, payload: Any, retain: bool) -> None:
        if not isinstance(payload, str | bytes):
            payload = json.dumps(payload)
        client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(PATIENCE)

    try:
        yield publish
    finally:
        client.disconnect()
        client.loop_stop()


def pass_by(frigate: Frigate, plate: str) -> Event:
    """Let a vehicle come, be read, and go."""
    car = frigate.see()
    frigate.read(car, plate, 0.9)
    frigate.end(car)
    return car


def seen(house: Process) -> dict[str, str | None]:
    """Return the last digits of what is on the disk, by Frigate's own ids."""
    rows = house.read(
        "SELECT event_id, digits FROM sightings"
        " LEFT JOIN seen_numbers ON seen_numbers.id = number_id"
    )
    found = {event.partition(" ")[2]: digits for event, digits in rows}
    assert len(found) == len(rows)
    return found


@pytest.mark.usefixtures("socket_enabled")
async def test_killed_after_vehicles_have_passed(
    tmp_path: Path, broker_port: int
) -> None:
    """What was told and not written comes again; what a person has corrected since is taken."""
    await asyncio.to_thread(clear_broker, broker_port)
    with publisher(broker_port) as publish:
        frigate = Frigate(publish)
        await frigate.start()
        frigate.announce()
        house = Process(tmp_path, "tests.live.gate", str(broker_port), frigate.url)
        try:
            await house.start()
            await house.until((tmp_path / _NOTED).exists)
            # What is known of devices comes to the disk when it stops.
            await house.terminate()
            await house.start()
            right, wrong, nothing = (
                pass_by(frigate, f"TEST100{number}") for number in range(3)
            )
            known = {right.id: "1000", wrong.id: "1001", nothing.id: "1002"}
            await house.until(lambda: seen(house) == known)
            # In its own pages: nobody is told.
            frigate.correct(wrong, "TEST2001")
            frigate.take_back(nothing)
            unwritten = pass_by(frigate, "TEST1003")
            house.kill()
            await house.dead()
            assert seen(house) == known
            missed = pass_by(frigate, "TEST1004")

            known |= {wrong.id: "2001", unwritten.id: "1003", missed.id: "1004"}
            expected: dict[str, str | None] = {**known, nothing.id: None}
            for _run in range(2):
                await house.start()
                await house.until(lambda: seen(house) == expected)
                await house.terminate()
                assert seen(house) == expected
        finally:
            house.kill()
            await house.dead()
            await frigate.stop()
