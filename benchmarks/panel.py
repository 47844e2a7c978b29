"""How fast the control room shows what happens, and what a day costs the browser.

    scripts/benchmark_panel [--quick] [--out DIR] [--only latency,load,find,flood,many,day]

A whole demo (Home Assistant, broker, automations, people) and a real Chromium on one
machine. Times are in milliseconds, from the alarm's `raised_at` to the frame after the one
in which its card is there. Prints what it finds and writes panel.json.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
import json
import os
from pathlib import Path
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from homeassistant.const import __version__ as home_assistant_version
from simulator.compound import NATIVE_TOPIC
from simulator.demo.home_assistant import HomeAssistant
from simulator.demo.setup import PASSWORD, USER
from simulator.devices import SmokeSensor
from simulator.link import Link
from simulator.native import config_message, state_message
from tests.live.demo import Demo
from tests.live.test_register_panel import (
    NAMES,
    TYPING,
    UNITS,
    Register,
    number as phone_of,
)

ROOT = Path(__file__).parent.parent
BUILT = {
    "panel": ROOT / "custom_components/community_safety/panel/built",
    "register": ROOT / "custom_components/rental_units/panel/built",
}
PARTS = ("latency", "load", "find", "flood", "many", "day")
#: What a module of the build needs before it runs.
IMPORT = re.compile(r"""(?:\bfrom|\bimport)\s*["'`]\./([^"'`]+)["'`]""")
#: Flats in which a sensor of ours is, and how many others there are in the large compound.
FLATS = ("1-1-201", "1-1-202", "1-1-301", "1-2-101")
BUILDINGS, STAIRWELLS, STOREYS, DOORS = 20, 2, 10, 5
SIZE: ViewportSize = {"width": 1280, "height": 900}
PATIENCE = 120_000

FIND = """(tag) => { const find = (root) => root.querySelector(tag) ?? [...root.querySelectorAll("*")]
  .filter((item) => item.shadowRoot).map((item) => find(item.shadowRoot)).find(Boolean); return find(document) }"""
#: From when on the card of a flat is on the screen, and when its alarm was raised.
SEEN = f"""([place]) => new Promise((done) => {{
  const find = {FIND}
  const wait = () => {{
    const cards = [...(find("cs-now")?.renderRoot.querySelectorAll("li.new.filled") ?? [])]
    if (!cards.some((card) => card.querySelector("strong")?.textContent === place)) return requestAnimationFrame(wait)
    requestAnimationFrame(() => {{
      const at = performance.timeOrigin + performance.now()
      const {{ feed, hass }} = find("community-safety-panel")
      const raised = [...feed.book.incidents.values()].filter((item) => hass.areas[item.area_id]?.name === place)
        .flatMap((item) => item.alarms.filter((alarm) => alarm.present).map((alarm) => alarm.raised_at * 1000))
      done(at - Math.max(...raised))
    }})
  }}
  wait()
}})"""
#: Since when, after the page was asked for, its first incident and all of its totals are there.
WATCH = f"""(() => {{
  const find = {FIND}
  window.bench = {{ longest: 0, total: 0 }}
  new PerformanceObserver((list) => list.getEntries().forEach(({{ duration }}) => {{
    bench.longest = Math.max(bench.longest, duration)
    bench.total += duration
  }})).observe({{ type: "longtask", buffered: true }})
  const wait = () => {{
    const panel = find("community-safety-panel")
    if (!bench.first && find("cs-now")?.renderRoot?.querySelector("li[data-row]"))
      requestAnimationFrame(() => bench.first ??= performance.now())
    if (bench.first && panel.feed?.book.truth != null && /\\d/.test(panel.renderRoot.querySelector(".count strong")?.textContent))
      return requestAnimationFrame(() => bench.whole = performance.now())
    requestAnimationFrame(wait)
  }}
  wait()
}})()"""
#: How long keys wait that are pressed meanwhile; what waits for less than a frame is not told of.
INPUTS = """window.inputs = []
new PerformanceObserver((list) => list.getEntries().forEach(({ name, processingStart, startTime }) => {
  if (name === "keydown") inputs.push(processingStart - startTime)
})).observe({ type: "event", durationThreshold: 16, buffered: true })"""
#: How long after its last alarm was raised all of a flood is counted.
COUNTED = f"""(count) => new Promise((done) => {{
  const find = {FIND}
  const wait = () => {{
    const panel = find("community-safety-panel")
    const shown = Number(panel.renderRoot.querySelector("[data-count=fire] strong")?.textContent)
    if (!(shown >= count)) return requestAnimationFrame(wait)
    requestAnimationFrame(() => {{
      const at = performance.timeOrigin + performance.now()
      const raised = [...panel.feed.book.incidents.values()].flatMap((item) => item.alarms.map((alarm) => alarm.raised_at * 1000))
      done(at - Math.max(...raised))
    }})
  }}
  wait()
}})"""
#: Takes the panel's subscription from the server, and tells it of a day instead: each second
#: ten incidents change, each minute one is over and another begins.
DAY = """(() => {
  const Real = WebSocket
  class Taken extends Real {
    constructor(...all) {
      super(...all)
      this.addEventListener("message", (event) => {
        if (event.made) return
        const found = JSON.parse(event.data)
        for (const message of Array.isArray(found) ? found : [found]) {
          if (message.id === day.id && message.type === "event") {
            if (day.rows) event.stopImmediatePropagation()
            else { day.sequence = message.event.sequence; day.at = message.event.at; day.found = message.event.incidents ?? day.found }
          }
        }
      })
    }
    send(data) {
      const message = JSON.parse(data)
      if (message.type === "community_safety/subscribe_incidents") { day.id = message.id; day.socket = this }
      super.send(data)
    }
  }
  window.WebSocket = Taken
  window.day = {
    seconds: 0,
    tell(kind, more) {
      if (kind !== "beat") this.sequence += 1
      const event = { kind, sequence: this.sequence, at: this.at + this.seconds, ...more }
      const message = new MessageEvent("message", { data: JSON.stringify({ id: this.id, type: "event", event }) })
      message.made = true
      this.socket.dispatchEvent(message)
    },
    begin() {
      const one = this.found[0]
      const make = (number) => ({ ...structuredClone(one), incident_id: `made ${number}`, raised_at: this.at + this.seconds,
        alarms: one.alarms.map((alarm) => ({ ...alarm, alarm_id: `made ${number} ${alarm.alarm_id}`, values: [{ key: "smoke", value: 1, unit: "%" }] })) })
      let made = 0
      this.rows = Array.from({ length: 30 }, () => make(made++))
      this.tell("change", { incidents: this.rows, gone: [] })
      setInterval(() => {
        this.seconds += 1
        const gone = []
        if (this.seconds % 60 === 0) {
          const [old] = this.rows.splice(0, 1, make(made++))
          gone.push({ incident_id: old.incident_id, reason: "reset", outcome: "real", at: this.at + this.seconds, moved_to: null, incident: null })
        }
        const changed = this.rows.slice(0, 10)
        for (const row of changed) for (const alarm of row.alarms) alarm.values[0].value = (this.seconds % 100) + 0.5
        this.rows.push(...this.rows.splice(0, 10))
        this.tell("change", { incidents: changed, gone })
        if (this.seconds % 10 === 0) this.tell("beat", { devices: null })
      }, 1000)
    },
  }
})()"""

type Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: alarms, page loads, incidents at once, seconds of the day."""

    alarms: int = 30
    loads: int = 7
    finds: int = 10
    flood: int = 100
    incidents: int = 2000
    day: int = 8 * 3600


QUICK = Size(alarms=8, loads=2, finds=3, incidents=300, day=1200)


@dataclass(slots=True)
class House:
    """The demo as it runs, and a browser before it."""

    home: HomeAssistant
    link: Link
    browser: Browser
    url: str
    #: The config entry of the register's property.
    property: str
    login: Any = None
    sensors: dict[str, SmokeSensor] = field(default_factory=dict)

    def tell(self, sensor: SmokeSensor, *, all_of_it: bool = False) -> None:
        """Let a sensor report; the first time with what it is."""
        topic = f"{NATIVE_TOPIC}/{sensor.id}"
        if all_of_it:
            self.link.publish(f"{topic}/config", config_message(sensor), retain=True)
            online = {"version": 1, "online": True}
            self.link.publish(f"{topic}/availability", online, retain=True)
        self.link.publish(f"{topic}/state", state_message(sensor), retain=True)

    def sensor(self, place: str) -> SmokeSensor:
        """Return the sensor of a flat; it is there from the first time on."""
        if (sensor := self.sensors.get(place)) is None:
            sensor = SmokeSensor(f"bench-{place}", "Smoke sensor", place)
            self.sensors[place] = sensor
            self.tell(sensor, all_of_it=True)
        return sensor

    @asynccontextmanager
    async def page(self, script: str = "", **more: Any) -> AsyncIterator[Page]:
        """Return the control room in a browser that has fetched nothing of it before."""
        context = await self.browser.new_context(
            viewport=SIZE, storage_state=self.login, **more
        )
        try:
            context.set_default_timeout(PATIENCE)
            page = await context.new_page()
            if script:
                await page.add_init_script(script)
            yield page
        finally:
            await context.close()

    async def open(self, page: Page) -> None:
        """Go to the incidents, and wait for them."""
        await page.goto(f"{self.url}/safety/now")
        await page.locator("cs-now").wait_for()

    async def log_in(self) -> None:
        """Keep a login for the pages to come."""
        async with self.page() as page:
            await page.goto(f"{self.url}/safety/now")
            await page.locator("input[name=username]").fill(USER)
            await page.locator("input[name=password]").fill(PASSWORD)
            await page.keyboard.press("Enter")
            await page.locator("cs-now").wait_for()
            self.login = await page.context.storage_state()

    async def over(self, places: tuple[str, ...]) -> None:
        """Let what was told of these flats be over."""
        for place in places:
            sensor = self.sensor(place)
            sensor.smoke = False
            self.tell(sensor)
        async with asyncio.timeout(60):
            while rows := await self.alarms(places):
                gone = [row["alarm_id"] for row in rows if not row["present"]]
                if gone:
                    await self.home.action(
                        "community_safety.reset", alarm_id=gone, outcome="test"
                    )
                await asyncio.sleep(0.1)

    async def alarms(self, places: tuple[str, ...]) -> list[dict[str, Any]]:
        """Return the open alarms of these flats."""
        areas = {place.replace("-", "_") for place in places}
        answer = await self.home.action("community_safety.get_alarms")
        return [row for row in answer["alarms"] if row["area_id"] in areas]


@asynccontextmanager
async def house(folder: Path, chromium: str) -> AsyncIterator[House]:
    """Return the demo and a browser."""
    demo = Demo(folder / "demo", "en")
    try:
        run = json.loads((demo.config.parent / "run.json").read_text())
        link = Link(run["broker_port"])
        link.start()
        await link.ready.wait()
        async with (
            HomeAssistant(run["port"], run["token"]) as home,
            async_playwright() as playwright,
        ):
            await home.connect()
            browser = await playwright.chromium.launch(
                executable_path=chromium,
                args=["--no-sandbox", "--enable-precise-memory-info"],
            )
            state = json.loads((demo.config.parent / "state.json").read_text())
            found = House(home, link, browser, run["url"], state["property"])
            await found.log_in()
            yield found
            await browser.close()
        await link.stop(goodbye=True)
    finally:
        demo.stop()


def spread(values: list[float]) -> dict[str, float]:
    """Return the median, what 95 % did not exceed, and the worst."""
    ordered = sorted(values)
    last = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)) - 1)]
    return {
        "n": len(ordered),
        "median": round(statistics.median(ordered), 1),
        "p95": round(last, 1),
        "max": round(ordered[-1], 1),
    }


async def latency(house: House, size: Size) -> dict[str, float]:
    """Measure from an alarm to its card."""
    found = []
    async with house.page() as page:
        await house.open(page)
        for place in FLATS:
            house.sensor(place)
        await asyncio.sleep(3)
        for number in range(size.alarms):
            place = FLATS[number % len(FLATS)]
            seen = asyncio.ensure_future(page.evaluate(SEEN, [place]))
            await asyncio.sleep(0.2)
            sensor = house.sensor(place)
            sensor.smoke = True
            house.tell(sensor)
            found.append(await seen)
            await house.over((place,))
            # The cut-off and the alert of it are over too.
            await asyncio.sleep(0.5)
    return spread(found)


async def enlarge(house: House) -> None:
    """Let there be two thousand flats more."""
    for building in range(3, 3 + BUILDINGS):
        floor = await house.home.call(
            "config/floor_registry/create", name=f"Building {building}"
        )
        await asyncio.gather(
            *(
                house.home.call(
                    "config/area_registry/create",
                    name=f"{building}-{stairwell}-{storey}{door:02}",
                    floor_id=floor["floor_id"],
                )
                for stairwell in range(1, STAIRWELLS + 1)
                for storey in range(1, STOREYS + 1)
                for door in range(1, DOORS + 1)
            )
        )


async def areas(house: House) -> int:
    """Return how many areas there are."""
    return len(await house.home.call("config/area_registry/list"))


async def watched(page: Page) -> dict[str, float]:
    """Return when the first incident, and all of it, was there, and how long the page was busy."""
    await page.wait_for_function("window.bench?.whole")
    found: dict[str, float] = await page.evaluate("bench")
    return found


async def load(house: House, size: Size) -> dict[str, Any]:
    """Measure from asking for the page to its first incident: with nothing fetched before, and again."""
    sensor = house.sensor(FLATS[0])
    sensor.smoke = True
    house.tell(sensor)
    cold: list[float] = []
    warm: list[float] = []
    for _number in range(size.loads):
        async with house.page(WATCH) as page:
            for kept in (cold, warm):
                await house.open(page)
                kept.append((await watched(page))["first"])
    await house.over(FLATS[:1])
    return {"cold": spread(cold), "warm": spread(warm)}


async def find(house: House, size: Size) -> dict[str, Any]:
    """Measure from the first key to a unit, and to a person, among two thousand, typed as people type."""
    await Register(house.home, house.property).fill()
    found: dict[str, list[float]] = {"unit": [], "person": []}
    async with house.page() as page:
        await house.open(page)
        await page.locator("[data-page=units]").wait_for()
        for number in range(size.finds):
            index = (number + 1) * 97 % len(UNITS)
            for kind, typed, title in (
                ("unit", UNITS[index].replace("-", ""), UNITS[index]),
                ("person", phone_of(index)[-5:], NAMES[index]),
            ):
                begun = time.monotonic()
                await page.keyboard.press("/")
                await page.keyboard.type(typed, delay=TYPING)
                await page.keyboard.press("Enter")
                await expect(page.locator(f"cs-{kind} h1")).to_have_text(title)
                found[kind].append((time.monotonic() - begun) * 1000)
                await page.keyboard.press("g")
                await page.keyboard.press("n")
                await page.locator("cs-now").wait_for()
    return {"units": len(UNITS), **{key: spread(row) for key, row in found.items()}}


async def sensors(house: House, count: int) -> tuple[str, ...]:
    """Let there be a sensor in so many flats; return the flats."""
    places = tuple(
        f"{building}-{stairwell}-{storey}{door:02}"
        for building in range(3, 3 + BUILDINGS)
        for stairwell in range(1, STAIRWELLS + 1)
        for storey in range(1, STOREYS + 1)
        for door in range(1, DOORS + 1)
    )[:count]
    for place in places:
        house.sensor(place)
        await asyncio.sleep(0.01)
    async with asyncio.timeout(600):
        while True:
            devices = await house.home.call("config/device_registry/list")
            known = re.findall(
                r"bench-([\w-]+)'", str([row["identifiers"] for row in devices])
            )
            if set(places) <= set(known):
                return places
            await asyncio.sleep(2)


@asynccontextmanager
async def pressed(page: Page) -> AsyncIterator[list[float]]:
    """Press a key all the time; when that ends, how long each has waited is in the list."""
    found: list[float] = []
    presses = 0

    async def press() -> None:
        nonlocal presses
        while True:
            # It does nothing in the panel.
            await page.keyboard.press("Shift")
            presses += 1
            await asyncio.sleep(0.05)

    await page.evaluate(INPUTS)
    task = asyncio.create_task(press())
    yield found
    task.cancel()
    await asyncio.wait({task})
    waited = await page.evaluate("inputs")
    found += waited + [0.0] * max(0, presses - len(waited))


async def flood(house: House, size: Size) -> dict[str, Any]:
    """Measure how soon many alarms of one moment are counted, and how long a key waits meanwhile."""
    places = await sensors(house, size.flood)
    async with house.page() as page:
        await house.open(page)
        async with pressed(page) as waited:
            counted = asyncio.ensure_future(page.evaluate(COUNTED, len(places)))
            await asyncio.sleep(0.2)
            burn(house, places)
            found = await counted
            # What follows the alarms, such as the proof of each cut-off.
            await asyncio.sleep(5)
    await house.over(places)
    return {
        "alarms": len(places),
        "all_counted": round(found, 1),
        "input_delay": spread(waited),
    }


def burn(house: House, places: tuple[str, ...]) -> None:
    """Let it smoke in all of these flats."""
    for place in places:
        sensor = house.sensor(place)
        sensor.smoke = True
        house.tell(sensor)


async def many(house: House, size: Size, say: Say) -> dict[str, Any]:
    """Measure a page that is opened while there are very many incidents, and one that is open as they come."""
    say(f"many: {size.incidents} sensors")
    places = await sensors(house, size.incidents)
    async with house.page(WATCH) as page:
        await house.open(page)
        await page.evaluate("Object.assign(bench, {longest: 0, total: 0})")
        begun = time.monotonic()
        async with pressed(page) as waited:
            burn(house, places)
            await page.wait_for_function(
                f"(count) => ({FIND})('community-safety-panel').feed.book.incidents.size >= count",
                arg=len(places),
                timeout=300_000,
            )
            told = time.monotonic() - begun
            flood = await page.evaluate("bench")
    await asyncio.sleep(20)
    opened = []
    for _number in range(min(3, size.loads)):
        async with house.page(WATCH) as page:
            await house.open(page)
            opened.append(await watched(page))
            await page.locator("cs-now").wait_for()
    return {
        "incidents": len(places),
        "all_told": round(told * 1000),
        "longest_task_while_told": round(flood["longest"]),
        "input_delay_while_told": spread(waited),
        "opened": {
            "first": spread([row["first"] for row in opened]),
            "all": spread([row["whole"] for row in opened]),
            "longest_task": spread([row["longest"] for row in opened]),
        },
    }


async def memory(page: Page) -> dict[str, int]:
    """Return what the page holds, after everything else was let go."""
    session = await page.context.new_cdp_session(page)
    await session.send("HeapProfiler.enable")
    for _time in range(3):
        await session.send("HeapProfiler.collectGarbage")
    used = await session.send("Runtime.getHeapUsage")
    counted = await session.send("Memory.getDOMCounters")
    await session.detach()
    return {
        "heap": round(used["usedSize"] + used.get("embedderHeapUsedSize", 0)),
        "nodes": counted["nodes"],
        "listeners": counted["jsEventListeners"],
    }


async def day(house: House, size: Size, say: Say) -> dict[str, Any]:
    """Measure what the page holds in the course of a day with ten changes a second."""
    sensor = house.sensor(FLATS[0])
    sensor.smoke = True
    house.tell(sensor)
    found = []
    async with house.page(DAY) as page:
        await page.clock.install()
        await house.open(page)
        await page.locator("cs-now li[data-row]").first.wait_for()
        await page.evaluate("day.begin()")
        # What is made once is made, before it is looked at first.
        await page.clock.run_for(300_000)
        for hour in range(9):
            if hour:
                for _minute in range(size.day // 8 // 60):
                    await page.clock.run_for(60_000)
            found.append(await memory(page))
            say(f"day: {hour}/8, {found[-1]}")
        told = await page.evaluate("[day.seconds, day.sequence]")
        shown = await page.locator("cs-now li[data-row]").count()
    await house.over(FLATS[:1])
    return {
        "seconds": told[0],
        "changes": told[0] * 10,
        "rows_shown": shown,
        "megabytes": [round(row["heap"] / 1e6, 1) for row in found],
        "nodes": [row["nodes"] for row in found],
        "listeners": [row["listeners"] for row in found],
        "growth_megabytes": round((found[-1]["heap"] - found[0]["heap"]) / 1e6, 1),
    }


def sizes() -> dict[str, int]:
    """Return the bytes of the pages as they are sent."""

    def sent(folder: Path, name: str) -> int:
        return (folder / f"{name}.gz").stat().st_size

    panel = BUILT["panel"]
    wanted, needed = [json.loads((panel / "modules.json").read_text())["panel"]], set()
    while wanted:
        name = wanted.pop()
        if name not in needed:
            needed.add(name)
            wanted += IMPORT.findall((panel / name).read_text())
    return {
        "first_view": sum(sent(panel, name) for name in needed),
        **{
            key: sum(path.stat().st_size for path in folder.glob("*.js.gz"))
            for key, folder in BUILT.items()
        },
    }


async def measure(
    folder: Path, chromium: str, parts: list[str], size: Size, say: Say
) -> dict[str, Any]:
    """Measure these parts."""
    found: dict[str, Any] = {"sizes": sizes()}
    say("starting the demo")
    async with house(folder, chromium) as demo:
        found["browser"] = demo.browser.version
        works: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
            "load": lambda: load(demo, size),
            "find": lambda: find(demo, size),
            "flood": lambda: flood(demo, size),
            "day": lambda: day(demo, size, say),
            "many": lambda: many(demo, size, say),
        }
        if "latency" in parts:
            count = await areas(demo)
            found["latency"] = {str(count): await latency(demo, size)}
            say(f"latency: {found['latency']}")
        await enlarge(demo)
        found["areas"] = await areas(demo)
        if "latency" in parts:
            found["latency"][str(found["areas"])] = await latency(demo, size)
            say(f"latency: {found['latency']}")
        for part in ("load", "find", "flood", "day", "many"):
            if part in parts:
                found[part] = await works[part]()
                say(f"{part}: {found[part]}")
    return found


def main() -> int:
    """Read the command line, measure, and write."""
    known = argparse.ArgumentParser(
        prog="scripts/benchmark_panel",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    known.add_argument("--quick", action="store_true", help="a rough look")
    known.add_argument("--only", default=",".join(PARTS), help="parts, with commas")
    known.add_argument("--out", type=Path, help="where panel.json goes")
    arguments = known.parse_args()
    parts = arguments.only.split(",")
    if unknown := set(parts) - set(PARTS):
        known.error(f"there is no {', '.join(sorted(unknown))}")

    def say(text: str) -> None:
        print(f"• {text}", file=sys.stderr, flush=True)

    chromium = subprocess.run(
        [ROOT / "scripts/browser"], capture_output=True, text=True, check=True
    ).stdout.strip()
    begun = os.getloadavg()[0]
    size = QUICK if arguments.quick else Size()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder), chromium, parts, size, say))
    found |= {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": arguments.quick,
        "machine": {
            "cores": os.cpu_count(),
            "architecture": platform.machine(),
            "load_before": round(begun, 2),
            "home_assistant": home_assistant_version,
        },
    }
    out = arguments.out or (None if arguments.quick else ROOT / "docs")
    print(json.dumps(found, indent=1))
    if out:
        out.mkdir(parents=True, exist_ok=True)
        path = out / "panel.json"
        before = json.loads(path.read_text()) if path.exists() else {}
        # Parts that were not measured stay as they were.
        path.write_text(json.dumps(before | found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
