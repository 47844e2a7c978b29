"""A whole Home Assistant with one property, started as a program: it can be killed.

    python -m tests.live.property CONFIG_FOLDER PROVIDER_URL

It has one flat with one tenant, who has a number for SMS (idempotent: no), one for calls
(no) and a webhook (yes), all of them at the provider. An alert is raised at the first
start.
"""

import asyncio
from pathlib import Path
import sys
from types import MappingProxyType
from typing import Any

from custom_components.rental_units.register.models import ContactAddress, Lease, Person
from homeassistant import bootstrap, runner
from homeassistant.config_entries import ConfigEntry, ConfigSubentryDataWithId
from homeassistant.core import HomeAssistant

TWILIO = {
    "provider": "twilio",
    "account_sid": "AC-placeholder",
    "auth_token": "placeholder",
    "from": "+12025550100",
}
POLICY = {"steps": [{"after": 0, "channels": ["sms", "call", "webhook"]}]}


async def main(folder: str, url: str) -> None:
    """Run until killed."""
    # The provider is on this machine, where nobody is sent to unless it is allowed: from
    # the first moment, for what an earlier run has left goes out while it is set up.
    Path(folder, "configuration.yaml").write_text(
        "logger:\n  default: error\nhomeassistant:\n  allowlist_external_urls:\n"
        f"    - {url}/\n",
        "utf-8",
    )
    hass = await bootstrap.async_setup_hass(
        runner.RuntimeConfig(config_dir=folder, skip_pip=True)
    )
    assert isinstance(hass, HomeAssistant)
    first = not Path(folder, "first").exists()
    if not hass.config_entries.async_entries("rental_units"):
        await hass.config_entries.async_add(entry(url))
    await hass.async_block_till_done()
    (loaded,) = hass.config_entries.async_entries("rental_units")
    if first:
        Path(folder, "first").touch()
        unit_id = next(iter(loaded.runtime_data.units))
        await loaded.runtime_data.async_run(lambda session: fill(session, unit_id, url))
        await hass.services.async_call(
            "rental_units",
            "alert",
            {"unit_id": unit_id, "hazard": "smoke", "audience": ["tenants"]},
            blocking=True,
        )
    print("set up", flush=True)  # noqa: T201
    await hass.async_run()


def entry(url: str) -> ConfigEntry:
    """Return the property's entry; its id is always the same, as its database's is."""
    return ConfigEntry(
        data={},
        discovery_keys=MappingProxyType({}),
        domain="rental_units",
        entry_id="01placeholder",
        minor_version=1,
        options={
            "channels": {
                "sms": {**TWILIO, "url": f"{url}/sms"},
                "call": {**TWILIO, "url": f"{url}/call"},
            },
            "policies": {"alarm": POLICY},
        },
        source="user",
        subentries_data=[
            ConfigSubentryDataWithId(
                data={"building": "1", "number": "201"},
                subentry_id="unit201",
                subentry_type="unit",
                title="1-201",
                unique_id="1//201",
            )
        ],
        title="Property 1",
        unique_id="property 1",
        version=1,
    )


def fill(session: Any, unit_id: str, url: str) -> None:
    """Let a placeholder live in the flat."""
    person = Person(id="tenant", name="Placeholder", language="en")
    for channel, target in (
        ("sms", "+12025550101"),
        ("call", "+12025550101"),
        ("webhook", f"{url}/webhook"),
    ):
        person.addresses.append(
            ContactAddress(id=f"tenant-{channel}", channel=channel, target=target)
        )
    session.add(person)
    session.flush()
    session.add(Lease(unit_id=unit_id, person_id="tenant", role="tenant"))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    asyncio.run(main(sys.argv[1], sys.argv[2]))
