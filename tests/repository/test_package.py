"""The release: what is in it, and that installers and stores take it."""

from collections.abc import Callable
import json
import os
from pathlib import Path
import re
import subprocess
import sys
import tomllib
import zipfile

from awesomeversion import AwesomeVersion
import pytest

from scripts import packaging
from scripts.packaging import PackageError, contents, lay_out, write_zip
from tests.bundled import files_of

ROOT = Path(__file__).parents[2]
#: Most bytes of the control room as they are sent: until the incidents are there, all of
#: its pages about alarms, and the register's with those of doors, places, reports, search,
#: care, visits and desks. A page is fetched when it is opened.
MOST_FIRST_VIEW, MOST_PANEL, MOST_REGISTER = 45_000, 90_000, 130_000
#: Pages that are about no alarm, and Home Assistant's map: each of them, fetched by who opens it.
BESIDE, MOST_BESIDE = ("doors.", "geography.", "log.", "supplies."), 5_000
#: What a module of the build needs before it runs; what it fetches later is in brackets.
IMPORT = re.compile(r"""(?:\bfrom|\bimport)\s*["'`]\./([^"'`]+)["'`]""")
CARDS_CHUNKS = ("cards.", "elements.")
#: What every page of Home Assistant fetches, for cards that may be on it.
MOST_EVERYWHERE = 3_000
#: What the Marketplace takes.
MOST_BYTES, MOST_MEMBERS = 100 * 2**20, 50_000


def package(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program as scripts/package does."""
    return subprocess.run(
        [sys.executable, "-m", "scripts.packaging", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def archive(tmp_path: Path) -> zipfile.ZipFile:
    """Return the zip."""
    path = tmp_path / "community_safety.zip"
    write_zip(contents(), path)
    return zipfile.ZipFile(path)


def test_same_bytes_each_time(tmp_path: Path) -> None:
    """Neither the time, nor the folder, nor the rights of the files change the zip."""
    first, second = tmp_path / "first.zip", tmp_path / "elsewhere/second.zip"
    write_zip(contents(), first)
    before = os.umask(0o077)
    os.utime(ROOT / "LICENSE")
    try:
        assert package(str(second)).stdout == f"{second}\n"
    finally:
        os.umask(before)
    assert first.read_bytes() == second.read_bytes()


def test_panel_has_one_node(tmp_path: Path) -> None:
    """A machine's own Node.js is not taken: its compressors write other bytes."""
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        [ROOT / "scripts/node"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{ROOT / '.cache/node/bin'}\n"


def test_what_is_in_the_zip(archive: zipfile.ZipFile) -> None:
    """The integration is at its root, with all that belongs to it and nothing else."""
    names = archive.namelist()
    manifest = json.loads(archive.read("manifest.json"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert manifest["domain"] == "community_safety"
    assert manifest["version"] == project["version"]
    assert AwesomeVersion(manifest["version"]).valid
    assert archive.testzip() is None
    assert len(set(names)) == len(names) < MOST_MEMBERS
    assert sum(row.file_size for row in archive.infolist()) < MOST_BYTES
    assert [name for name in names if name.startswith("/") or ".." in name] == []
    assert [name for name in names if "__pycache__" in name] == []
    assert {"LICENSE", "config_flow.py", "translations/zh-Hans.json"} <= {*names}
    for built, entry in (
        ("panel/built", "panel"),
        ("bundled/rental_units/panel/built", "register"),
    ):
        modules = json.loads(archive.read(f"{built}/modules.json"))
        for suffix in ("", ".gz", ".br"):
            assert archive.read(f"{built}/{modules[entry]}{suffix}")
    for folder, inside in (
        ("custom_components/rental_units", "bundled/rental_units"),
        ("blueprints", "bundled/blueprints"),
    ):
        for name in packaging.files_below(folder):
            expected = name.replace("manifest.json", "manifest.bundled.json")
            assert (
                archive.read(f"{inside}/{expected}")
                == (ROOT / folder / name).read_bytes()
            )


def test_the_control_room_is_small(archive: zipfile.ZipFile) -> None:
    """Whoever opens it waits for what the incidents need, and for nothing else."""

    def sent(built: str, name: str) -> int:
        return archive.getinfo(f"{built}/{name}.gz").file_size

    def whole(built: str) -> int:
        """Return the size of all pages, with their texts in the longest language."""
        names = [name for name in archive.namelist() if name.startswith(f"{built}/")]
        sizes = {
            name.removeprefix(f"{built}/"): sent(built, Path(name).name)
            for name in names
            # Cards are for dashboards that people make themselves, and fetched in those alone.
            if name[-3:] == ".js"
            and not Path(name).name.startswith((*CARDS_CHUNKS, *BESIDE))
        }
        languages = [
            sum(size for name, size in sizes.items() if name.startswith(f"{language}."))
            for language in ("en", "zh-Hans", "zh-Hant")
        ]
        assert all(languages)
        return sum(sizes.values()) - sum(languages) + max(languages)

    built = "panel/built"
    wanted = [json.loads(archive.read(f"{built}/modules.json"))["panel"]]
    needed: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in needed:
            needed.add(name)
            wanted += IMPORT.findall(archive.read(f"{built}/{name}").decode())
    assert len(needed) > 3
    first = {name: sent(built, name) for name in needed}
    # With its texts in one language; English is among the rest. Those of other pages have
    # the same names, and are shorter.
    languages = [
        sent(built, Path(name).name)
        for name in archive.namelist()
        if re.fullmatch(rf"{built}/zh-Han[st]\.[^/]+\.js", name)
    ]
    assert len(languages) == 4
    assert sum(first.values()) + max(languages) <= MOST_FIRST_VIEW, first
    assert whole(built) <= MOST_PANEL
    beside = [
        name
        for name in archive.namelist()
        if name.startswith(tuple(f"{built}/{chunk}" for chunk in BESIDE))
        and name.endswith(".js")
    ]
    assert len(beside) == len(BESIDE)
    assert max(sent(built, Path(name).name) for name in beside) <= MOST_BESIDE
    modules = json.loads(archive.read(f"{built}/modules.json"))
    assert sent(built, modules["cards"]) <= MOST_EVERYWHERE
    assert whole("bundled/rental_units/panel/built") <= MOST_REGISTER


@pytest.mark.parametrize("part", ["rental_units", "blueprints"])
def test_markers_come_last(archive: zipfile.ZipFile, part: str) -> None:
    """While an installer writes a part of the bundle, that has no marker."""
    names = archive.namelist()
    marker = f"bundled/{part}/.bundled"
    inside = [name for name in names if name.startswith(f"bundled/{part}/")]
    assert inside[-1] == marker
    assert archive.read(marker).decode().strip() == packaging.version()


def test_manifest_has_what_the_bundle_imports(archive: zipfile.ZipFile) -> None:
    """Hassfest charges the imports of the whole folder to the one manifest in it."""
    whole = json.loads(archive.read("manifest.json"))
    own = json.loads(
        (ROOT / "custom_components/community_safety/manifest.json").read_text()
    )
    sidecar = json.loads(archive.read("bundled/rental_units/manifest.bundled.json"))
    declared = {*whole["dependencies"], *whole["after_dependencies"]}
    assert {*sidecar["dependencies"], *sidecar["after_dependencies"]} <= {
        *declared,
        "community_safety",
    }
    assert not {*whole["dependencies"]} & {*whole["after_dependencies"]}
    assert {key for key in own if own[key] != whole[key]} == {"after_dependencies"}


def test_store_accepts_the_repository(tmp_path: Path) -> None:
    """The default store's check: a walk through the clone finds one manifest."""
    store = tmp_path / "store"
    (store / ".git").mkdir(parents=True)
    done = package("--store", str(store))
    assert done.returncode == 0, done.stderr
    # scripts/helpers/integration_path.py of the store's repository does this.
    found = [
        path for row in os.walk(store) for path in Path(row[0]).glob("*manifest.json")
    ]
    folder = store / "custom_components/community_safety"
    assert found == [folder / "manifest.json"]
    assert files_of(folder) == contents()
    for name in ("hacs.json", "LICENSE", "README.md", "CHANGELOG.md"):
        assert (store / name).is_file()
    assert (folder / "brand/icon.png").is_file()


def test_store_is_not_laid_over_something(tmp_path: Path) -> None:
    """A folder with files is refused, and left as it is."""
    store = tmp_path / "store"
    store.mkdir()
    (store / "mine").touch()
    done = package("--store", str(store))
    assert (done.returncode, done.stderr) == (1, f"{store} is not empty\n")
    assert [path.name for path in store.iterdir()] == ["mine"]


def test_readme_of_the_store(tmp_path: Path) -> None:
    """Its pictures are beside it, and its other links lead to the main repository."""
    store = tmp_path / "store"
    lay_out(store)
    text = (store / "README.md").read_text("utf-8")
    pictures = packaging.pictures(text)
    assert pictures
    links = [*re.findall(r"\]\((?!#)([^)\s]+)\)", text), *pictures]
    assert len(links) > len(pictures) + 5
    for link in links:
        assert link.startswith("https://") or (store / link).is_file(), link


def test_one_version() -> None:
    """Nothing else has a version that `scripts/package --version` would leave as it was."""
    found = {
        name
        for name, content in packaging.files_below(".").items()
        if name.endswith((".json", ".toml"))
        and re.search(
            rb'^ {0,2}"?version"? *[=:] *"%b"' % packaging.version().encode(),
            content,
            re.MULTILINE,
        )
    }
    assert found == {
        "pyproject.toml",
        "custom_components/community_safety/manifest.json",
        "custom_components/rental_units/manifest.json",
    }


def test_pictures_and_links() -> None:
    """Both ways of writing are understood; addresses and anchors stay as they are."""
    readme = (
        '![demo](LICENSE) <img src="hacs.json"> ![far](https://x.test/a.png) '
        "[docs](docs/zigbee.md#a) [here](#top) [licence](LICENSE)"
    )
    assert packaging.pictures(readme) == {"LICENSE", "hacs.json"}
    assert packaging.elsewhere(
        readme, {"LICENSE": b"", "hacs.json": b""}
    ) == readme.replace(
        "docs/zigbee.md",
        "https://github.com/community-safety/home-assistant-community-safety"
        f"/blob/{packaging.version()}/docs/zigbee.md",
    )


def test_changelog() -> None:
    """Somebody who updates reads what is new: of this version, or of the next one."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert text.count("## Unreleased\n") == 1
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    versions = [AwesomeVersion(row.split()[0]) for row in headings[1:]]
    assert versions == sorted(versions, reverse=True)
    assert not versions or versions[0] == packaging.version()


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of what has the version, and let the program work on that."""
    for name in (
        "pyproject.toml",
        "CHANGELOG.md",
        "custom_components/community_safety/manifest.json",
        "custom_components/rental_units/manifest.json",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    monkeypatch.setattr(packaging, "ROOT", tmp_path)
    monkeypatch.setattr(packaging, "CHANGELOG", tmp_path / "CHANGELOG.md")
    return tmp_path


def test_next_version(copy: Path) -> None:
    """One command changes it everywhere, and nothing else; then there are notes."""
    old = packaging.version()
    packaging.set_version("7.8.9")
    assert packaging.version() == "7.8.9"
    for name in ("pyproject.toml", "custom_components/rental_units/manifest.json"):
        expected = (ROOT / name).read_text().replace(f'"{old}"', '"7.8.9"', 1)
        assert (copy / name).read_text() == expected
    text = (copy / "CHANGELOG.md").read_text("utf-8")
    assert re.search(
        r"## Unreleased\n\n## 7\.8\.9 \(\d{4}-\d\d-\d\d\)\n\nThe first", text
    )
    assert packaging.notes().startswith("The first release:")


def break_manifest(copy: Path) -> None:
    """Give one manifest another version."""
    path = copy / "custom_components/rental_units/manifest.json"
    path.write_text(path.read_text().replace(packaging.version(), "0.0.9"))


@pytest.mark.parametrize(
    ("wrong", "do", "said"),
    [
        (break_manifest, packaging.version, "rental_units has version 0.0.9"),
        (break_manifest, packaging.contents, "rental_units has version 0.0.9"),
        (None, lambda: packaging.set_version("next"), "next is no version"),
        (None, packaging.notes, "CHANGELOG.md says nothing"),
    ],
)
def test_what_is_refused(
    copy: Path,
    wrong: Callable[[Path], None] | None,
    do: Callable[[], object],
    said: str,
) -> None:
    """No release is made of a version that is not one, or of which nothing is said."""
    if wrong:
        wrong(copy)
    with pytest.raises(PackageError, match=said):
        do()
