"""A whole Home Assistant that imports a register, started as a program: it can be killed.

    python -m tests.live.importing CONFIG_FOLDER

It imports `register.csv` at each start, and says how far it has come.
"""

import asyncio
import sys
from types import MappingProxyType

from custom_components.rental_units.transfer.exchange import Plan
from custom_components.rental_units.transfer.importing import Import
from homeassistant import bootstrap, runner
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant

DOMAIN = "rental_units"


async def main(folder: str) -> None:
    """Import, and run until killed."""
    hass = await bootstrap.async_setup_hass(
        runner.RuntimeConfig(config_dir=folder, skip_pip=True)
    )
    assert isinstance(hass, HomeAssistant)
    hass.config.country = "CN"
    if not hass.config_entries.async_entries(DOMAIN):
        await hass.config_entries.async_add(
            ConfigEntry(
                data={},
                discovery_keys=MappingProxyType({}),
                domain=DOMAIN,
                entry_id="01placeholder",
                minor_version=1,
                options={},
                source="user",
                subentries_data=[],
                title="Property 1",
                unique_id="property 1",
                version=1,
            )
        )
    await hass.async_block_till_done()
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    print(f"units {len(entry.runtime_data.units)}", flush=True)  # noqa: T201
    apply = Import._apply

    def tell(self: Import, plan: Plan) -> None:
        # A part is in the database.
        print("written", flush=True)  # noqa: T201
        apply(self, plan)

    Import._apply = tell  # type: ignore[method-assign]
    # A person: what Home Assistant itself has made imports nothing.
    user = await hass.auth.async_create_user("importer", group_ids=["system-admin"])
    report = await hass.services.async_call(
        DOMAIN,
        "import_register",
        {"config_entry_id": entry.entry_id, "file": "register.csv", "dry_run": False},
        blocking=True,
        return_response=True,
        context=Context(user_id=user.id),
    )
    assert report
    assert report["imported"]
    print("imported", flush=True)  # noqa: T201
    await hass.async_run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
