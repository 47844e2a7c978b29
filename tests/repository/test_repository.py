"""What holds for the files of this repository, whatever they do."""

from collections.abc import Iterator
import json
import os
from pathlib import Path
import re
import string
import struct
import subprocess
import tomllib
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    ROOT / name
    for name in subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        text=True,
    ).split("\0")
    if name and (ROOT / name).is_file()
)
MANIFESTS = sorted(ROOT.glob("custom_components/*/manifest.json"))
TRANSLATIONS = sorted(ROOT.glob("custom_components/*/translations/*.json"))
REQUIREMENTS = sorted(ROOT.glob("requirements/ha-*.txt"))
BASH_SCRIPTS = [
    path for path in FILES if path.read_bytes().startswith(b"#!/usr/bin/env bash")
]
LANGUAGES = {"en", "zh-Hans", "zh-Hant"}
# Public registries and Debian's mirrors: an address in a file ties the project to one of them.
REGISTRY = re.compile(
    r"\b(?:(?:files\.)?(?:pypi|pythonhosted)|registry\.(?:npmjs|yarnpkg)"
    r"|(?:deb|security|ftp)\.debian|archive\.ubuntu)\.(?:org|com)\b"
)
# https://hacs.xyz/docs/publish/start
HACS_KEYS = {
    "content_in_root",
    "country",
    "filename",
    "hacs",
    "hide_default_branch",
    "homeassistant",
    "name",
    "persistent_directory",
    "zip_release",
}
# https://github.com/home-assistant/brands
ICON_PIXELS = {"icon.png": 256, "icon@2x.png": 512}


def name_of(path: Path) -> str:
    """Return a file's name inside the repository, which names a test case."""
    return str(path.relative_to(ROOT))


def with_suffix(*suffixes: str) -> list[Path]:
    """Return the files of the repository with one of these suffixes."""
    return [path for path in FILES if path.suffix in suffixes]


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object's members as a dict.

    Raises ValueError when a key is there twice.
    """
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError(f"duplicate key in {[key for key, _ in pairs]}")
    return members


def read_json(path: Path) -> Any:
    """Return what a JSON file holds."""
    return json.loads(path.read_text("utf-8"), object_pairs_hook=unique)


def texts(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each text of a translation file with its path."""
    if isinstance(node, str):
        yield path, node
        return
    for key, value in node.items():
        yield from texts(value, f"{path}.{key}".removeprefix("."))


def placeholders(path: Path) -> dict[str, set[str]]:
    """Return the names of the placeholders of each text of a translation file."""
    return {
        key: {name for _, name, _, _ in string.Formatter().parse(text) if name}
        for key, text in texts(read_json(path))
    }


@pytest.mark.parametrize("path", with_suffix(".json"), ids=name_of)
def test_json_files_can_be_read(path: Path) -> None:
    """A JSON file parses, and no key is there twice."""
    read_json(path)


@pytest.mark.parametrize("path", MANIFESTS, ids=name_of)
def test_manifest(path: Path) -> None:
    """A manifest is in order, has the project's version and pins no Zigbee library.

    Home Assistant's own integrations pin those: a second pin would break one or the other.
    """
    manifest = read_json(path)
    keys = list(manifest)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert keys == ["domain", "name", *sorted(keys[2:])]
    assert manifest["domain"] == path.parent.name
    assert manifest["version"] == project["version"]
    assert not re.findall(r"zigpy|bellows|\bzha", " ".join(manifest["requirements"]))


@pytest.mark.parametrize("path", MANIFESTS, ids=name_of)
@pytest.mark.parametrize("requirements", REQUIREMENTS, ids=name_of)
def test_required_versions_are_tested(path: Path, requirements: Path) -> None:
    """What a manifest asks for is what the tests run with."""
    tested = requirements.read_text("utf-8").splitlines()
    assert set(read_json(path)["requirements"]) <= set(tested)


@pytest.mark.parametrize("path", MANIFESTS, ids=name_of)
def test_every_language_is_there(path: Path) -> None:
    """An integration speaks each of the languages."""
    files = path.parent.glob("translations/*.json")
    assert {file.stem for file in files} == LANGUAGES


@pytest.mark.parametrize("path", TRANSLATIONS, ids=name_of)
def test_translations_are_complete(path: Path) -> None:
    """A translation has the texts and the placeholders of the English one, and none is empty."""
    english = path.with_name("en.json")
    assert placeholders(path) == placeholders(english)
    assert [key for key, text in texts(read_json(path)) if not text.strip()] == []


@pytest.mark.parametrize("path", MANIFESTS, ids=name_of)
@pytest.mark.parametrize("icon", ICON_PIXELS)
def test_icons_have_their_size(path: Path, icon: str) -> None:
    """The icons of an integration are square PNG files of the size that is asked for."""
    content = (path.parent / "brand" / icon).read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24]) == (ICON_PIXELS[icon],) * 2


def test_hacs() -> None:
    """HACS knows the keys, and offers us from the oldest release on that we test with."""
    hacs = read_json(ROOT / "hacs.json")
    oldest = REQUIREMENTS[0].stem.removeprefix("ha-")

    assert hacs["name"]
    assert set(hacs) <= HACS_KEYS
    assert hacs["homeassistant"] == f"{oldest}.0"


@pytest.mark.parametrize("path", REQUIREMENTS, ids=name_of)
def test_requirements_are_versions_only(path: Path) -> None:
    """A requirement file holds exact versions, with no address, hash or path."""
    release = path.stem.removeprefix("ha-")
    lines = path.read_text("utf-8").splitlines()[1:]
    pin = re.compile(r"[a-z0-9-]+==[0-9a-z.!+]+( ; [\w.]+ [!=]= '\w+')?")

    assert [line for line in lines if not pin.fullmatch(line)] == []
    assert any(line.startswith(f"homeassistant=={release}.") for line in lines)


def test_no_address_of_a_registry() -> None:
    """No file names a package registry or mirror, and no lock file with addresses is kept."""
    found = [
        f"{name_of(path)}: {match[0]}"
        for path in FILES
        if path.suffix not in {".gif", ".gz", ".png", ".webp"}
        for match in REGISTRY.finditer(path.read_text("utf-8"))
    ]
    assert found == []
    assert [path for path in FILES if path.name == "uv.lock"] == []


@pytest.mark.parametrize("path", BASH_SCRIPTS, ids=name_of)
def test_bash_scripts(path: Path) -> None:
    """A script in bash can be run, stops at an error and has none in its syntax."""
    assert os.access(path, os.X_OK)
    assert re.search(r"^set -e?uo pipefail$", path.read_text("utf-8"), re.MULTILINE)
    subprocess.run(["bash", "-n", path], check=True)
