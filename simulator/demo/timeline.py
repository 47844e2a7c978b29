"""Lets something happen in the running demo, and shows what became of it, and when."""

import asyncio
from collections.abc import Callable
import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
import os
import signal
import time
from typing import Any
import uuid

from simulator.compound import NATIVE_TOPIC, ZIGBEE_TOPIC
from simulator.control import TOPIC
from simulator.device import Fault
from simulator.doors import CONTROLLERS
from simulator.link import Link
from simulator.residents import RESIDENTS

from .campaign import ANSWERS, EVENT_ALERT, NOBODY, WORD, Campaign
from .home_assistant import HomeAssistant
from .place import running

EVENT_ALARM = "community_safety_alarm"
ALARM = "alarm"
#: Integrations whose actions are told.
ACTIONS = ("community_safety", "rental_units")
ANSWER_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What has to become of an event, in `seconds`."""

    hazard: str | None = None
    severity: str = ALARM
    #: The supplies must be opened, and proven open.
    cut_off: bool = False
    #: What the device must have done, as the simulator records it.
    done: str | None = None
    #: The people of the unit must be alerted.
    people: bool = False
    seconds: float = 20


_EXPECTED = {
    "smoke": Expected(hazard="smoke", cut_off=True, people=True),
    # The current must last ten seconds: IEC 60898-1.
    "overload": Expected(hazard="overcurrent", cut_off=True, seconds=40),
    "leakage": Expected(hazard="leakage", cut_off=True),
    "pile-smoke": Expected(hazard="smoke", cut_off=True),
    "tank-low": Expected(hazard="low_level", seconds=40),
    "hydrant-low": Expected(hazard="low_pressure"),
    "e-bike": Expected(hazard="e_bike_in_car", done="door held"),
    # Nothing may happen: that is looked at for this long.
    "pram": Expected(seconds=4),
}
_FAULTS = tuple(fault.value for fault in Fault)
EVENTS = (
    *(*_EXPECTED, *_FAULTS, "swipe", "lost-child", "person", "drive"),
    *("clear", "broker-restart", "phones"),
)
#: By which doors a lost child goes: the last is the gate. And how long from one to the next, in
#: seconds: boards tell whole ones.
LOST_WAY = tuple(door.place for row in CONTROLLERS for door in row.doors)
PACE_SECONDS = 1.5
#: Seconds until every cause has gone, and until everything is back after the broker.
CLEAR_SECONDS = 45
RETURN_SECONDS = 60
#: The alarm's own record is looked at this often, in seconds.
LOOK_SECONDS = 0.2
LINGER_SECONDS = 0.3
#: The second step of an alert comes so many seconds after the first.
STEP_SECONDS = 30


async def show(
    event: str,
    where: str | None,
    *,
    answer: str = ANSWERS[0],
    false_alarm: bool = False,
    card: str = "",
    plate: str = "",
) -> int:
    """Let an event happen and print its timeline. Return 0 if all came as it should.

    `answer` is over what somebody answers the alert, `false_alarm` how it is reset, `card`
    what is held before a reader, and `plate` whose a vehicle is.
    """
    if not (run := running()):
        print("✗ The demo does not run. Start it in another terminal: scripts/demo")
        return 1
    async with HomeAssistant(run["port"], run["token"]) as hass:
        await hass.connect()
        story = Story(hass, run["broker_port"])
        await story.start()
        try:
            match event:
                case "clear":
                    return await story.clear(where, false_alarm)
                case "swipe":
                    door = await story.do(event, where, card=card)
                    print(f"• {door['name']}: {'opens' if door['granted'] else 'no'}")
                    return 0
                case "lost-child":
                    return await story.lose_child(card)
                case "person":
                    camera = await story.do(event, where)
                    print(f"• {camera['area']}, {camera['name']}: somebody")
                    return 0
                case "drive":
                    camera = await story.do(event, where, plate=plate)
                    print(f"• {camera['name']}: {camera['plate']}")
                    return 0
                case "broker-restart":
                    return await story.restart_broker(run["pid"])
                case "phones":
                    return await story.phones()
                case _ if event in _FAULTS:
                    device = await story.do(event, where)
                    print(f"• {device['area']} {device['name']}: {event}, until clear")
                    return 0
                case _:
                    return await story.tell(event, where, _EXPECTED[event], answer)
        except StoryError as err:
            print(f"✗ {err}")
            return 1
        finally:
            await story.stop()


class StoryError(Exception):
    """The event could not happen; the text says why."""


class Story:
    """One event, from the device to whatever comes of it."""

    def __init__(self, hass: HomeAssistant, broker_port: int) -> None:
        """Initialize."""
        self._hass = hass
        self._lines: list[tuple[float, str]] = []
        self._news = asyncio.Event()
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._areas: dict[str, str] = {}
        self._early: list[tuple[str, dict[str, Any], float]] = []
        self._hears: Callable[[str, dict[str, Any], float], None] | None = None
        self._link = Link(
            broker_port,
            subscriptions=(
                f"{TOPIC}/done",
                f"{TOPIC}/record",
                f"{NATIVE_TOPIC}/+/set",
                f"{ZIGBEE_TOPIC}/+/set",
            ),
            receive=self._mqtt,
        )

    async def start(self) -> None:
        """Begin to hear what devices and Home Assistant do."""
        self._link.start()
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._link.ready.wait()
        for kind in (EVENT_ALARM, EVENT_ALERT, "automation_triggered", "call_service"):
            await self._hass.subscribe(kind, self._home_assistant)
        self._areas = {
            area["area_id"]: area["name"]
            for area in await self._hass.call("config/area_registry/list")
        }

    async def stop(self) -> None:
        """Disconnect."""
        await self._link.stop()

    async def do(self, event: str, where: str | None, **more: str) -> dict[str, Any]:
        """Let something happen; return where it does. Raises StoryError."""
        key = uuid.uuid4().hex
        answer: asyncio.Future[dict[str, Any]] = (
            asyncio.get_running_loop().create_future()
        )
        self._answers[key] = answer
        self._link.publish(
            f"{TOPIC}/do", {"id": key, "event": event, "where": where, **more}
        )
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                done = await answer
        except TimeoutError as err:
            raise StoryError("The simulator does not answer") from err
        if error := done.get("error"):
            raise StoryError(error)
        return done

    async def lose_child(self, card: str) -> int:
        """Let a child with a card go by three doors and through the gate, and past a camera.

        At a door that is not theirs the card is refused, and they were seen there all the same.
        """
        for place in LOST_WAY:
            door = await self.do("swipe", place, card=card)
            print(f"• {door['name']}: {'opens' if door['granted'] else 'no'}")
            await asyncio.sleep(PACE_SECONDS)
        camera = await self.do("child", None)
        print(f"• {camera['area']}, {camera['name']}: a child in red")
        print("• Where are they? Look in the control room, page Search: docs/search.md")
        return 0

    async def phones(self) -> int:
        """Print what comes to the phones of residents, until it is interrupted."""

        def hear(kind: str, data: dict[str, Any], at: float) -> None:
            if kind == "record" and data["device"] == "mobile":
                when = datetime.fromtimestamp(at, UTC).astimezone()
                print(f"• {when:%X}  {data['name']}: {data['what']}", flush=True)

        self._hears = hear
        print("• What comes to the phones of residents; Ctrl-C ends this", flush=True)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return 0

    async def tell(
        self, event: str, where: str | None, expected: Expected, answer: str
    ) -> int:
        """Follow an event until what is expected has come, or its time is over."""
        earlier = await self.alarms()
        plot = Plot(self, expected, await self.do(event, where), answer)
        # A quick device has acted before the simulator's answer was here.
        for early in self._early:
            plot.hears(*early)
        self._hears = plot.hears
        print(f"• {event} at {plot.where}")
        end = time.monotonic() + expected.seconds
        if plot.campaign and answer == NOBODY:
            end += STEP_SECONDS
        while time.monotonic() < end and not (plot.ended or plot.wrong):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._news.wait()
            self._news.clear()
            await plot.look(await self.alarms())
            if person := plot.who_answers():
                await self.do("answer", person, way=answer, word=WORD)
        # What is told last: the result of the cut-off.
        await asyncio.sleep(LINGER_SECONDS)
        if plot.campaign:
            plot.campaign.close()
        self._print()
        problems = [*plot.wrong, *plot.missing.values()]
        if problems and earlier:
            # An open alarm is not raised again, and in a fire no door is held.
            print(f"• Open before: {'; '.join(map(self.title, earlier))}")
            print("• This may be why. To begin afresh: scripts/demo clear")
        return _verdict(problems, plot.summary())

    async def clear(self, where: str | None, false_alarm: bool) -> int:
        """Take every cause away, then reset and restore as the demo's user."""
        device = await self.do("clear", where)
        print("• Every cause is gone; waiting until Home Assistant has seen it")
        end = time.monotonic() + CLEAR_SECONDS
        while present := [
            row for row in await self.alarms(where, device) if row["present"]
        ]:
            if time.monotonic() > end:
                break
            await asyncio.sleep(LOOK_SECONDS)
        problems = [f"still present: {self.title(row)}" for row in present]
        cleared = [
            row for row in await self.alarms(where, device) if not row["present"]
        ]
        if cleared:
            await self._hass.action(
                "community_safety.reset",
                alarm_id=[row["alarm_id"] for row in cleared],
                outcome="false_alarm" if false_alarm else "real",
            )
        for row in cleared:
            print(f"• Reset: {self.title(row)}")
        problems += await self._alerts_end([row["alarm_id"] for row in cleared])
        self._told()
        supplies = await self._supplies(where, device, cleared)
        # A fault of some equipment keeps nobody without power; a fire does.
        if supplies and not any(row["severity"] == ALARM for row in present):
            problems += await self._restore(supplies)
        return _verdict(problems, "Everything is as it was")

    async def _alerts_end(self, alarm_ids: list[str]) -> list[str]:
        """Wait until the alerts of these alarms are over. Return what is left of them."""
        end = time.monotonic() + ANSWER_SECONDS
        while alarm_ids:
            answer = await self._hass.action(
                "rental_units.get_alerts", alarm_id=alarm_ids
            )
            rows = [
                row
                for row in answer["alerts"]
                if row["state"] in ("active", "acknowledged")
            ]
            if not rows or time.monotonic() > end:
                # What is told of the end comes a moment later.
                await asyncio.sleep(LINGER_SECONDS)
                return [f"still alerted: {row['place']}" for row in rows]
            await asyncio.sleep(LOOK_SECONDS)
        return []

    def _told(self) -> None:
        """Say what residents heard."""
        heard: dict[str, set[str]] = {}
        for kind, data, _at in self._early:
            if kind == "record" and data["device"] == "mobile":
                if data["way"] == "push":
                    title = data["what"].partition(" [")[0]
                    heard.setdefault(title, set()).add(data["person"])
        for title, people in heard.items():
            print(f"• {title} is told to {len(people)} people")

    async def _supplies(
        self, where: str | None, device: dict[str, Any], reset: list[dict[str, Any]]
    ) -> list[str]:
        """Return the supplies that are off, or that had refused to open."""
        refused = {
            row["device_id"] for row in reset if row["hazard"] == "refused_to_open"
        }
        states = {
            state["entity_id"]: state["state"]
            for state in await self._hass.call("get_states")
        }
        areas = {
            row["id"]: self._areas.get(row["area_id"], "")
            for row in await self._hass.call("config/device_registry/list")
        }
        return [
            row["entity_id"]
            for row in await self._hass.call("config/entity_registry/list")
            if row["platform"] == "community_safety"
            and row["unique_id"].rpartition("/")[2].startswith("supply")
            and (states.get(row["entity_id"]) == "off" or row["device_id"] in refused)
            and (where is None or areas[row["device_id"]] == device["area"])
        ]

    async def _restore(self, supplies: list[str]) -> list[str]:
        """Close what was cut off. Return what could not be closed."""
        answer = await self._hass.action(
            "community_safety.restore", {"entity_id": supplies}, checked="on_site"
        )
        problems = []
        for row in answer["supplies"]:
            text = f"{row['entity_id']}: {row['status']}, {row['milliseconds']} ms"
            print(f"• Restored: {text}")
            if row["status"] != "confirmed":
                problems.append(f"not restored: {text}")
        return problems

    async def restart_broker(self, demo: int) -> int:
        """Have the demo restart its broker, and wait until all devices are back."""
        before = await self._unavailable()
        begun = time.time()
        os.kill(demo, signal.SIGUSR1)
        lost = False
        while time.time() < begun + RETURN_SECONDS:
            await asyncio.sleep(LOOK_SECONDS)
            now = await self._unavailable()
            if not lost and len(now) > len(before):
                lost = True
                self.line(time.time(), "Home Assistant: the gateways are away")
            elif lost and now <= before:
                self.line(time.time(), "Home Assistant: every device is back")
                break
        else:
            problem = "devices are still unavailable" if lost else "nothing was lost"
            self._print(begun)
            return _verdict([problem], "")
        self._print(begun)
        return _verdict([], "The broker went away and came back")

    async def _unavailable(self) -> set[str]:
        """Return our entities that are unavailable."""
        return {
            state["entity_id"]
            for state in await self._hass.call("get_states")
            if state["state"] == "unavailable"
        }

    async def alarms(
        self, where: str | None = None, device: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Return the open alarms, those of a device's area if `where` is given."""
        rows = (await self._hass.action("community_safety.get_alarms"))["alarms"]
        return [
            row
            for row in rows
            if where is None or (device and self.area(row) == device["area"])
        ]

    def area(self, row: dict[str, Any]) -> str:
        """Return the name of an alarm's area."""
        return self._areas.get(row["area_id"], "")

    def title(self, row: dict[str, Any]) -> str:
        """Return an alarm in a few words."""
        return (
            f"{row['severity']} {row['hazard']}, {self.area(row)} {row['device_name']}"
        )

    def line(self, at: float, text: str) -> None:
        """Add to the timeline; `at` is Unix time in seconds."""
        self._lines.append((at, text))

    def _print(self, begun: float | None = None) -> None:
        self._lines.sort()
        begun = begun or (self._lines[0][0] if self._lines else 0)
        for at, text in self._lines:
            print(f"{(at - begun) * 1000:+9.0f} ms  {text}")

    def _mqtt(self, topic: str, message: dict[str, Any]) -> None:
        match topic.rpartition("/")[2]:
            case "done":
                if answer := self._answers.get(message.get("id", "")):
                    answer.set_result(message)
            case "record":
                self._tell("record", message, message["at"])
            case "set":
                self._tell("command", {"topic": topic, **message}, time.time())

    def _home_assistant(self, event: dict[str, Any]) -> None:
        at = datetime.fromisoformat(event["time_fired"]).timestamp()
        self._tell(event["event_type"], event["data"], at)

    def _tell(self, kind: str, data: dict[str, Any], at: float) -> None:
        if self._hears:
            self._hears(kind, data, at)
            self._news.set()
        else:
            self._early.append((kind, data, at))


class Plot:
    """What is expected of an event, against what is heard."""

    def __init__(
        self,
        story: Story,
        expected: Expected,
        device: dict[str, Any],
        answer: str = ANSWERS[0],
    ) -> None:
        """Initialize; `device` is the simulator's answer."""
        self._story = story
        self._expected = expected
        self.device = device
        self.wrong: list[str] = []
        self.missing: dict[str, str] = {}
        self._alarm: str | None = None
        self._raised = 0.0
        self._told = 0.0
        self._begun: float | None = None
        self._proven: float | None = None
        self._results: set[tuple[str, str]] = set()
        if expected.hazard:
            self.missing["raised"] = f"no alarm ({expected.hazard}) was raised"
            self.missing["notified"] = "no automation has notified anybody"
        if expected.done:
            self.missing["done"] = f"the device did not do it: {expected.done}"
        if expected.cut_off:
            self.missing["proven"] = "no cut-off was proven"
        self.campaign: Campaign | None = None
        self._asked = False
        if expected.people and any(row.place == device["area"] for row in RESIDENTS):
            self.campaign = Campaign(story.line, device["area"], answer, self.missing)

    @property
    def where(self) -> str:
        """Return area and name of the device."""
        return f"{self.device['area']} {self.device['name']}"

    @property
    def ended(self) -> bool:
        """Return if all has come; where nothing is expected, its time must run out."""
        return self._expected.hazard is not None and not self.missing

    def who_answers(self) -> str | None:
        """Return who answers now, once: when all were told and the power is off."""
        if (
            self.campaign is None
            or self._asked
            or not self.campaign.can_be_answered
            or "proven" in self.missing
        ):
            return None
        self._asked = True
        return self.campaign.answerer

    def summary(self) -> str:
        """Return what came of it, in a line."""
        if not self._expected.hazard:
            return "No alarm, and the door was not held"
        text = "Detected and notified"
        if self._proven and self._begun:
            seconds = self._proven - self._begun
            text = f"Detected, cut off and proven within {seconds * 1000:.0f} ms"
        return f"{text}; {self.campaign.summary()}" if self.campaign else text

    def hears(self, kind: str, data: dict[str, Any], at: float) -> None:
        """Take what a device or Home Assistant does."""
        match kind:
            case "record" if data["device"] == "mobile":
                if self.campaign:
                    self.campaign.mobile(data, at)
            case "record":
                self._record(data, at)
            case "command":
                device = data["topic"].split("/")[-2]
                what = data.get("set") or {
                    key: data[key] for key in data if key != "topic"
                }
                self._story.line(at, f"Command to {device}: {what}")
            case "automation_triggered":
                self._story.line(at, f"Automation: {data['name']}")
            case "call_service" if data["domain"] in ACTIONS:
                if not data["service"].startswith("get_"):
                    action = f"{data['domain']}.{data['service']}"
                    self._story.line(at, f"Action: {action}")
            case _ if kind == EVENT_ALARM:
                self._alarm_changed(data, at)
            case _ if kind == EVENT_ALERT and self.campaign:
                self.campaign.home_assistant(data, at)

    def _record(self, data: dict[str, Any], at: float) -> None:
        mine = data["device"] == self.device["device"]
        name = f"{data['area']} {data['name']}".strip()
        if data["device"] == "phone":
            self._told = at
            self._check_notified()
        if data["what"] != "reported":
            self._story.line(at, f"{name}: {data['what']}")
        elif mine and self._begun is None:
            self._begun = at
            self._story.line(at, f"{name}: sends its report")
        if mine and data["what"] == self._expected.done:
            self.missing.pop("done", None)
        if mine and data["what"] == "door held" and not self._expected.hazard:
            self.wrong.append("the door was held")

    def _alarm_changed(self, data: dict[str, Any], at: float) -> None:
        self._story.line(at, f"Alarm {data['type']}: {self._story.title(data)}")
        if data["type"] == "acknowledged" and data["alarm_id"] == self._alarm:
            if self.campaign:
                self.campaign.alarm_acknowledged()
        if (
            data["type"] != "raised"
            or data["device_name"] != self.device["name"]
            or self._story.area(data) != self.device["area"]
        ):
            return
        if not self._expected.hazard:
            self.wrong.append("an alarm was raised")
        elif (data["hazard"], data["severity"]) == (
            self._expected.hazard,
            self._expected.severity,
        ):
            self._alarm = data["alarm_id"]
            self._raised = at
            if self.campaign:
                self.campaign.raised(at)
            self.missing.pop("raised", None)
            self._check_notified()

    def _check_notified(self) -> None:
        # Phones and Home Assistant are heard over two connections: either comes first.
        if self._alarm and self._told >= self._raised:
            self.missing.pop("notified", None)

    async def look(self, alarms: list[dict[str, Any]]) -> None:
        """Look for the cut-off in the alarm's own record."""
        for row in alarms:
            if row["alarm_id"] != self._alarm or "proven" not in self.missing:
                continue
            for entry in row["timeline"]:
                if entry["what"] == "cut_off":
                    self._cut_off(entry)

    def _cut_off(self, entry: dict[str, Any]) -> None:
        at = datetime.fromisoformat(entry["at"]).timestamp()
        for name, result in entry["supplies"].items():
            status, took = result["status"], result["milliseconds"]
            if (name, status) in self._results:
                # The device's own cut-off and an automation's are one and the same.
                continue
            self._results.add((name, status))
            self._story.line(at, f"Cut-off of {name}: {status} after {took} ms")
            if status not in ("confirmed", "protected"):
                self.wrong.append(f"the cut-off of {name} is {status}")
        self._proven = at
        self.missing.pop("proven", None)


def _verdict(problems: list[str], good: str) -> int:
    """Print how it ended. Return the exit code."""
    for problem in problems:
        print(f"✗ {problem[0].upper()}{problem[1:]}")
    if not problems:
        print(f"✓ {good}")
    return 1 if problems else 0
