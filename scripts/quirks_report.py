"""Write the coverage of scripts/quirks."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from importlib.metadata import version
import logging
from pathlib import Path
import tempfile
from typing import Any

from zha.quirks import DEVICE_REGISTRY, QuirkRegistryEntry
from zha.zigbee.device import Device
from zigpy.const import SIG_ENDPOINTS
import zigpy.types as t
from zigpy.zcl import ClusterType
from zigpy.zdo.types import NodeDescriptor

from custom_components.community_safety.gateways.zigbee.devices.profile import Profile
from custom_components.community_safety.gateways.zigbee.host.connection import Port
from custom_components.community_safety.gateways.zigbee.host.forming import async_form
from custom_components.community_safety.gateways.zigbee.host.radio import (
    Radio,
    RadioConfig,
    compile_device,
    load_quirks,
)
from scripts.coverage_report import coverage, page, write_coverage
from simulator.ezsp import EzspSimulator

ROOT = Path(__file__).parent.parent
GUIDE = ROOT / "docs/zigbee.md"
MODELS = ROOT / "docs/zigbee_models.md"

HOME_AUTOMATION, SMART_PLUG, TUYA = 0x0104, 0x0051, 0xEF00
BASIC = 0x0000
#: A router on mains, as most of what is not told is.
ROUTER: Any = NodeDescriptor(  # type: ignore[no-untyped-call]
    1, 0x40, 0x8E, 0x1002, 82, 128, 0x2C00, 128, 0
)

#: Server and client clusters by endpoint, with profile and type of device.
type Endpoints = dict[int, tuple[int, int, set[int], set[int]]]


class Nobody:
    """Who wants to know of the network: nobody."""

    def __getattr__(self, _name: str) -> Any:
        """Take whatever happens."""
        return lambda *_arguments: None


def endpoints_of(entry: QuirkRegistryEntry, model: str | None) -> Endpoints:
    """Return what a device looks like before its quirk.

    An old quirk tells all of it. A new one tells only what it changes: that is there.
    """
    first = entry.zigpy_transforms[0]
    if signature := getattr(getattr(first, "device_cls", None), "signature", None):
        return {
            number: (
                row.get("profile_id") or HOME_AUTOMATION,
                row.get("device_type") or 0,
                set(row.get("input_clusters", ())),
                set(row.get("output_clusters", ())),
            )
            for number, row in signature[SIG_ENDPOINTS].items()
        }
    kind = SMART_PLUG if model and model.startswith("TS") else 0
    found: dict[int, set[int]] = defaultdict(lambda: {BASIC})
    if model == "TS0601":
        found[1].add(TUYA)
    definition = getattr(entry.zha_device_factory, "quirk_definition", None)
    for row in (*entry.zigpy_transforms, *getattr(definition, "entity_metadata", ())):
        name = type(row).__name__
        cluster = getattr(row, "cluster_id", None)
        if cluster is None and hasattr(row, "cluster"):
            cluster = row.cluster.cluster_id
        if cluster is None or name == "AddCluster":
            continue
        if name == "ReplaceClusterOccurrences":
            # Wherever it is: it is there once at least.
            if ClusterType.Server in row.cluster_types:
                found[1].add(cluster)
        elif not row.cluster_type:
            found[row.endpoint_id].add(cluster)
    found[1].add(BASIC)
    return {n: (HOME_AUTOMATION, kind, ids, set()) for n, ids in found.items()}


async def compile_model(
    radio: Any, entry: QuirkRegistryEntry, manufacturer: str | None, model: str | None
) -> Profile | None:
    """Return what a model is to us, None if it is none of ours."""
    app, gateway = radio.app, radio._gateway  # noqa: SLF001
    bare = app.add_device(
        t.EUI64.convert("00:15:8d:00:00:00:00:01"), t.NWK.convert("1234")
    )
    bare.node_desc = ROUTER
    bare.manufacturer, bare.model = manufacturer or "any", model or "any"
    for number, (profile, kind, servers, clients) in endpoints_of(entry, model).items():
        endpoint = bare.add_endpoint(number)
        endpoint.profile_id, endpoint.device_type = profile, kind
        endpoint.status = type(endpoint.status)(1)
        for cluster in sorted(servers):
            endpoint.add_input_cluster(cluster)
        for cluster in sorted(clients):
            endpoint.add_output_cluster(cluster)
    resolved = bare
    for transform in entry.zigpy_transforms:
        resolved = transform(resolved)
    resolved._quirk_registry_entry = entry  # noqa: SLF001
    device = Device.new(resolved, gateway)
    await device.async_initialize(from_cache=True)
    try:
        return compile_device(device)
    finally:
        await device.on_remove()
        app.devices.pop(bare.ieee, None)


def models(entry: QuirkRegistryEntry) -> Iterator[tuple[str | None, str | None]]:
    """Yield manufacturer and model of what a quirk is for."""
    yield from entry.device_match.applies_to or ((None, None),)


async def read() -> tuple[int, list[tuple[str, Profile]], Counter[str]]:
    """Return how many models there are, those that are ours, and what failed."""
    everything: set[str] = set()
    found: dict[str, Profile] = {}
    failed: Counter[str] = Counter()
    load_quirks()
    with tempfile.TemporaryDirectory() as folder:
        async with EzspSimulator() as simulator:
            port = Port(path=f"tcp://127.0.0.1:{simulator.port}")
            radio = Radio(
                RadioConfig(
                    network=(await async_form(port)).unique_id or "",
                    database=f"{folder}/zigbee.db",
                    **port.as_dict(),
                ),
                Nobody(),
                lambda work, name: asyncio.create_task(work, name=name),
            )
            await radio.start()
            for entry in DEVICE_REGISTRY:
                for manufacturer, model in models(entry):
                    name = " ".join(filter(None, (manufacturer, model))) or (
                        entry.source.label if entry.source else "?"
                    )
                    everything.add(name)
                    try:
                        profile = await compile_model(radio, entry, manufacturer, model)
                    except Exception as err:  # noqa: BLE001
                        failed[type(err).__name__] += 1
                        continue
                    if profile:
                        found.setdefault(name, profile)
            await radio.stop()
    return len(everything), list(found.items()), failed


def texts(total: int, rows: list[tuple[str, Profile]]) -> tuple[str, str]:
    """Return the part of docs/zigbee.md, and docs/zigbee_models.md."""
    release = version("zha-quirks")
    summary = (
        f"Of the {total:,} models in zha-quirks {release}, {len(rows)} are"
        " devices of this integration. Models that follow the Zigbee standard need no"
        " quirk, are not among these, and work as well."
    )
    head = [
        "# Models of Zigbee by kind",
        "",
        f"Made by `scripts/quirks` from zha-quirks {release}, for models that have one.",
        "A quirk tells what it changes and not always all that a device has, so a device may",
        "report more than is listed here.",
    ]
    return coverage(summary, rows), page(head, rows)


def main() -> None:
    """Write everything, and print how much it is."""
    logging.disable(logging.CRITICAL)
    total, rows, failed = asyncio.run(read())
    counts, models_page = texts(total, rows)
    write_coverage(GUIDE, counts)
    MODELS.write_text(models_page, "utf-8")
    print(f"{total} models, {len(rows)} ours; not compiled: {dict(failed) or 'none'}")


if __name__ == "__main__":
    main()
