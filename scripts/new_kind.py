"""Make the places of a new device kind: scripts/scaffold.

It measures nothing yet but what every kind does; the list in CONTRIBUTING.md goes on from there.
"""

import argparse
import json
from pathlib import Path
import re
import sys
from typing import Any

ROOT = Path(__file__).parent.parent
OURS = "custom_components/community_safety"
LANGUAGES = ("en", "zh-Hans", "zh-Hant")
KIND = '''\
"""{name}s."""

from . import common
from .model import DeviceKind

{constant} = DeviceKind(
    key="{key}",
    measurements=(*common.MEASUREMENTS,),
    hazards=(*common.FAULTS,),
)
'''


class PlaceError(Exception):
    """A place is not as it was, or is taken."""


def put(path: Path, after: str, new: str) -> None:
    """Write something into a file, after the one place where `after` stands.

    Raises PlaceError if it stands there never, or more than once.
    """
    text = path.read_text("utf-8")
    if text.count(after) != 1:
        raise PlaceError(f"{path}: {after!r} is not there once")
    path.write_text(text.replace(after, after + new), "utf-8")


def add_texts(root: Path, key: str, names: tuple[str, str, str]) -> None:
    """Name the kind wherever kinds are named, in each language."""
    for language, name in zip(LANGUAGES, names, strict=True):
        path = root / OURS / f"translations/{language}.json"
        texts: dict[str, Any] = json.loads(path.read_text("utf-8"))
        joining = texts["entity"]["event"]["joining"]["state_attributes"]
        joining["kind"]["state"][key] = name
        texts["entity"]["select"]["device_kind"]["state"][key] = name
        kinds = texts["selector"]["device_kind"]["options"]
        nothing = kinds.pop("none")  # the last choice
        kinds |= {key: name, "none": nothing}
        sections = texts["options"]["step"]["init"]["sections"]
        shared = next(iter(sections.values()))
        sections[key] = {
            "name": name,
            **{
                part: {"low_battery_fault": shared[part]["low_battery_fault"]}
                for part in ("data", "data_description")
            },
        }
        path.write_text(json.dumps(texts, indent=2, ensure_ascii=False) + "\n", "utf-8")


def make(root: Path, key: str, names: tuple[str, str, str]) -> None:
    """Make the places of a device kind.

    Raises PlaceError before anything is written, if the kind is there already.
    """
    catalogue = root / OURS / "catalogue"
    path = catalogue / f"{key}.py"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", key):
        raise PlaceError(f"{key!r} is no key: small letters, digits and _")
    if path.exists() or f'key="{key}"' in "".join(
        file.read_text("utf-8") for file in catalogue.glob("*.py")
    ):
        raise PlaceError(f"{key} is there already")
    constant = key.upper()
    path.write_text(KIND.format(name=names[0], constant=constant, key=key), "utf-8")
    init = catalogue / "__init__.py"
    put(
        init,
        "from .elevator_blocker import ELEVATOR_BLOCKER\n",
        f"from .{key} import {constant}\n",
    )
    put(init, "        CAMERA,\n", f"        {constant},\n")
    add_texts(root, key, names)
    put(
        root / OURS / "gateways/mqtt/protocol.schema.json",
        '            "camera"',
        f',\n            "{key}"',
    )


def main() -> int:
    """Read the command line."""
    known = argparse.ArgumentParser(prog="scripts/scaffold", description=__doc__)
    known.add_argument("what", choices=["kind"])
    known.add_argument("key", help="such as gas_detector")
    for language in LANGUAGES:
        known.add_argument(language, help="its name in this language")
    arguments = vars(known.parse_args())
    names = tuple(arguments[language] for language in LANGUAGES)
    try:
        make(ROOT, arguments["key"], names)
    except PlaceError as err:
        print(f"✗ {err}", file=sys.stderr)
        return 1
    print(
        "✓ See `git diff`. What is left: the list in CONTRIBUTING.md, and\n"
        "  scripts/test tests/repository tests/community_safety/test_entities.py"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
