"""Alerts: 1,300 recipients on three channels, healthy and with one hanging and one failing.

And 5,000 recipients, healthy.

    scripts/benchmark --only alerts
    python -m benchmarks.alerts --run healthy [--recipients 1300] [--alerts 3]

The whole way is real: a Home Assistant with the property's SQLite register, the engine,
and HTTP to providers in a process of their own. The providers note when each attempt
came; the figures are seconds from the call of the action.
"""

import argparse
import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
import json
import multiprocessing
from pathlib import Path
import shutil
import statistics
import tempfile
import time
from types import MappingProxyType
from typing import Any

from aiohttp import ClientSession, web
import psutil

from custom_components.rental_units.alerts.runtime import engine_of
from custom_components.rental_units.register.models import ContactAddress, Lease, Person
from homeassistant import bootstrap, runner
from homeassistant.config_entries import ConfigEntry, ConfigSubentryDataWithId
from homeassistant.core import HomeAssistant
from simulator.broker import free_port

from .homes import in_process
from .throughput import Say

ROOT = Path(__file__).parent.parent
CHANNELS = ("sms", "call", "webhook")
FLATS = 433
#: Somebody in each flat, and a family in none larger than this.
PEOPLE_OF_A_FLAT = 3
#: How long the attempts of one alert are waited for.
SECONDS = 60.0
#: What each channel's provider does in a run. The webhook's is always healthy.
RUNS = {
    "healthy": {},
    "one hanging": {"call": "hang"},
    "one failing": {"sms": "fail"},
    "one hanging, one failing": {"call": "hang", "sms": "fail"},
}
TWILIO = {
    "provider": "twilio",
    "account_sid": "AC-placeholder",
    "auth_token": "placeholder",
    "from": "+12025550100",
}
POLICY = {"steps": [{"after": 0, "channels": list(CHANNELS)}]}


def serve(port: int, modes: dict[str, str]) -> None:
    """Be the providers, in a process of their own."""
    heard: dict[str, list[float]] = {channel: [] for channel in CHANNELS}

    async def handle(request: web.Request) -> web.Response:
        channel = request.path.split("/")[1]
        if channel == "report":
            return web.json_response(heard)
        if "Status" not in await request.post():
            heard[channel].append(time.time())
        # Otherwise a call of an alert that has ended is taken back: that rings nobody.
        mode = modes.get(channel)
        if mode == "hang":
            await asyncio.sleep(3600)
        return web.json_response({"sid": "SM1"}, status=500 if mode else 200)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    web.run_app(
        app,
        host="127.0.0.1",
        port=port,
        print=None,
        access_log=None,
        shutdown_timeout=0,
    )


@contextmanager
def providers(modes: dict[str, str]) -> Iterator[str]:
    """Run the providers and return their address."""
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(
        target=serve, args=(port, modes), daemon=True
    )
    process.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.join()


async def start(folder: Path, url: str, flats: int) -> HomeAssistant:
    """Start a Home Assistant with the property."""
    # Webhooks into the house's own network are an administrator's to allow.
    (folder / "configuration.yaml").write_text(
        "logger:\n  default: critical\n"
        f"homeassistant:\n  allowlist_external_urls:\n    - {url}\n"
    )
    (folder / "custom_components").mkdir()
    (folder / "custom_components" / "rental_units").symlink_to(
        ROOT / "custom_components" / "rental_units"
    )
    hass = await bootstrap.async_setup_hass(
        runner.RuntimeConfig(config_dir=str(folder), skip_pip=True)
    )
    assert isinstance(hass, HomeAssistant)
    await hass.config_entries.async_add(
        ConfigEntry(
            data={},
            discovery_keys=MappingProxyType({}),
            domain="rental_units",
            minor_version=1,
            options={
                "channels": {
                    "sms": {**TWILIO, "url": f"{url}/sms", "per_second": 10_000},
                    "call": {**TWILIO, "url": f"{url}/call", "per_second": 10_000},
                },
                "policies": {"alarm": POLICY},
            },
            source="user",
            subentries_data=[
                ConfigSubentryDataWithId(
                    data={"building": "1", "number": str(number)},
                    subentry_id=f"unit{number}",
                    subentry_type="unit",
                    title=f"1-{number}",
                    unique_id=f"1//{number}",
                )
                for number in range(flats)
            ],
            title="Property 1",
            unique_id="property 1",
            version=1,
        )
    )
    await hass.async_block_till_done()
    return hass


def fill(session: Any, recipients: int, flats: int, url: str) -> None:
    """Let placeholders live in the flats."""
    for number in range(recipients):
        person = Person(id=f"p{number}", name=f"Placeholder {number}", language="en")
        # One number of several people would ring once.
        phone = f"+1202{5_550_000 + number}"
        targets = {
            "sms": phone,
            "call": phone,
            "webhook": f"{url}/webhook/{number}",
        }
        person.addresses = [
            ContactAddress(id=f"p{number}-{channel}", channel=channel, target=target)
            for channel, target in targets.items()
        ]
        session.add(person)
        session.add(
            Lease(unit_id=f"unit{number % flats}", person_id=person.id, role="tenant")
        )


async def measure(
    recipients: int, modes: dict[str, str], seconds: float, alerts: int = 3
) -> dict[str, Any]:
    """Raise some alerts and return when the attempts came at the providers that work."""
    folder = Path(tempfile.mkdtemp(prefix="alerts_"))
    flats = max(FLATS, recipients // PEOPLE_OF_A_FLAT)
    with providers(modes) as url:
        hass = await start(folder, url, flats)
        (entry,) = hass.config_entries.async_entries("rental_units")
        await entry.runtime_data.async_run(lambda s: fill(s, recipients, flats, url))
        engine = engine_of(hass, entry.entry_id)
        assert engine
        memory = []
        rounds = []
        for _ in range(alerts):
            begin = time.time()
            answer = await hass.services.async_call(
                "rental_units",
                "alert",
                {
                    "unit_id": [f"unit{flat}" for flat in range(flats)],
                    "hazard": "smoke",
                    "audience": ["tenants"],
                },
                blocking=True,
                return_response=True,
            )
            assert answer
            while time.time() < begin + seconds:
                rows = engine.dispatcher.deliveries.values()
                if rows and all(
                    row.state == "sent" for row in rows if row.channel not in modes
                ):
                    break
                await asyncio.sleep(0.05)
            rounds.append(await came(url, begin))
            engine.cancel(engine.alerts[str(answer["alert_id"])], who=None)
            await engine.ledger.async_flush()
            memory.append(psutil.Process().memory_info().rss / 2**20)
        await hass.async_stop(force=True)
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    return {
        "channels": {
            channel: _together([row[channel] for row in rounds], recipients)
            for channel in CHANNELS
            if channel not in modes
        },
        # The first one makes room that the others use again.
        "megabytes": round(memory[-1]),
        "megabytes_grown": round(memory[-1] - memory[0], 1),
    }


def _together(rounds: list[list[float]], recipients: int) -> dict[str, Any]:
    """Return the figures of one channel over all alerts, in seconds."""
    whole = [row for row in rounds if row]
    return {
        "lost": sum(max(recipients - len(row), 0) for row in rounds),
        "twice": sum(max(len(row) - recipients, 0) for row in rounds),
        "median": round(statistics.median(map(statistics.median, whole)), 3),
        "last": round(max(map(max, whole)), 3),
    }


async def came(url: str, begin: float) -> dict[str, list[float]]:
    """Return when the attempts since the action came at each channel, in seconds."""
    async with ClientSession() as session, session.get(f"{url}/report") as response:
        heard = await response.json()
    return {
        channel: sorted(moment - begin for moment in times if moment >= begin)
        for channel, times in heard.items()
    }


def measure_all(
    say: Say, *, recipients: int, most_recipients: int, alerts: int
) -> dict[str, Any]:
    """Return the figures of all runs. Each has a process, and with it memory, of its own."""

    def run(name: str, number: int) -> dict[str, Any]:
        say(f"alerts: {number} recipients, {name}")
        found = in_process(
            "benchmarks.alerts",
            *("--run", name, "--recipients", str(number), "--alerts", str(alerts)),
        )
        say(json.dumps(found))
        return found

    runs = {name: run(name, recipients) for name in RUNS}
    healthy = runs["healthy"]["channels"]
    for found in runs.values():
        found["ratio"] = max(
            round(figures["median"] / healthy[channel]["median"], 3)
            for channel, figures in found["channels"].items()
        )
    most = {"recipients": most_recipients, **run("healthy", most_recipients)}
    return {"recipients": recipients, "alerts": alerts, "runs": runs, "most": most}


def main() -> None:
    """Measure one run and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--recipients", type=int, default=1300)
    parser.add_argument("--alerts", type=int, default=3)
    parser.add_argument("--run", choices=list(RUNS), default="healthy")
    arguments = parser.parse_args()
    found = asyncio.run(
        measure(
            arguments.recipients,
            RUNS[arguments.run],
            seconds=SECONDS,
            alerts=arguments.alerts,
        )
    )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
