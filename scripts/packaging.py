"""The release: Community Safety with its sidecars and blueprints as one folder.

The default store accepts a repository with exactly one `*manifest.json`, so a sidecar's has
another name until it is copied to its place. What has no marker is not whole yet: in the zip
markers come last.
"""

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
import json
from pathlib import Path
import re
import subprocess
import sys
import tomllib
from typing import Any
import zipfile

ROOT = Path(__file__).parents[1]
DOMAIN = "community_safety"
SIDECARS = ("rental_units",)
#: What scripts/frontend builds, in an integration's folder.
PANEL = "panel/built"
MANIFEST = "manifest.json"
BUNDLED_MANIFEST = "manifest.bundled.json"
MARKER = ".bundled"
ZIP = ROOT / "dist" / f"{DOMAIN}.zip"
CHANGELOG = ROOT / "CHANGELOG.md"
UNRELEASED = "## Unreleased"
#: The earliest that a zip can say.
EPOCH = (1980, 1, 1, 0, 0, 0)
_IMAGE = re.compile(r'!\[[^\]]*\]\(([^)\s]+)\)|\bsrc(?:set)?="([^"]+)"')
_LINK = re.compile(r'(\]\(|\b(?:href|src|srcset)=")(?![a-z]+:|#)([^)"\s]+)')

type Files = dict[str, bytes]


class PackageError(Exception):
    """No release can be made; the text says why."""


def files_below(folder: str) -> Files:
    """Return the files of the repository below a folder, by their path in it.

    Those are git's, with what is new and not ignored: neither caches nor local notes.
    """
    names = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard", "--", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    return {
        str(path.relative_to(folder)): (ROOT / path).read_bytes()
        for path in sorted(map(Path, filter(None, names)))
        if (ROOT / path).is_file()
    }


def version() -> str:
    """Return the project's version. Raises PackageError if a manifest has another."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found = {domain: _manifest(domain)["version"] for domain in (DOMAIN, *SIDECARS)}
    for domain, theirs in found.items():
        if theirs != project["version"]:
            raise PackageError(
                f"{domain} has version {theirs}, pyproject.toml {project['version']}: "
                "scripts/package --version sets both"
            )
    return str(project["version"])


def set_version(new: str) -> None:
    """Give the project another version, and what has changed its heading."""
    if not re.fullmatch(r"\d+\.\d+\.\d+(b\d+)?", new):
        raise PackageError(f"{new} is no version such as 1.2.0 or 1.2.0b1")
    old = version()
    for path in (
        ROOT / "pyproject.toml",
        *(_path(domain) for domain in (DOMAIN, *SIDECARS)),
    ):
        text = path.read_text("utf-8")
        changed = re.sub(
            rf'^(\s*"?version"?\s*[=:]\s*"){re.escape(old)}"',
            rf'\g<1>{new}"',
            text,
            count=1,
            flags=re.MULTILINE,
        )
        path.write_text(changed, "utf-8")
    today = datetime.now(UTC).date().isoformat()
    heading = f"{UNRELEASED}\n\n## {new} ({today})"
    CHANGELOG.write_text(
        CHANGELOG.read_text("utf-8").replace(UNRELEASED, heading, 1), "utf-8"
    )


def notes() -> str:
    """Return what has changed in this version. Raises PackageError if nothing is said."""
    found = re.search(
        rf"^## {re.escape(version())} .*?\n(.*?)(?=^## |\Z)",
        CHANGELOG.read_text("utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    if not found or not found[1].strip():
        raise PackageError(f"CHANGELOG.md says nothing of {version()}")
    return found[1].strip()


def contents() -> Files:
    """Return the files of the integration's folder as it is installed, markers last."""
    marker = f"{version()}\n".encode()
    files = files_below(f"custom_components/{DOMAIN}") | _panel(DOMAIN)
    files["LICENSE"] = (ROOT / "LICENSE").read_bytes()
    files[MANIFEST] = _whole_manifest()
    for sidecar in SIDECARS:
        for name, content in (
            files_below(f"custom_components/{sidecar}") | _panel(sidecar)
        ).items():
            bundled = BUNDLED_MANIFEST if name == MANIFEST else name
            files[f"bundled/{sidecar}/{bundled}"] = content
    for name, content in files_below("blueprints").items():
        files[f"bundled/blueprints/{name}"] = content
    for part in (*SIDECARS, "blueprints"):
        files[f"bundled/{part}/{MARKER}"] = marker
    return files


def _panel(domain: str) -> Files:
    """Return what is built of the panel, which is not in git. Raises PackageError if it is not."""
    built = ROOT / "custom_components" / domain / PANEL
    if not (built / "modules.json").is_file():
        raise PackageError("The control room is not built: scripts/frontend does that")
    return {
        f"{PANEL}/{path.name}": path.read_bytes()
        for path in sorted(built.iterdir())
        if not path.name.startswith(".")
    }


def write_zip(files: Mapping[str, bytes], path: Path) -> None:
    """Write a zip that is the same wherever it is made.

    It is not compressed: two zlibs of one version do not agree, and 2 MB are no burden.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name, EPOCH)
            member.create_system = 3
            member.external_attr = 0o100644 << 16
            archive.writestr(member, content)


def lay_out(folder: Path) -> None:
    """Write the store's repository. Raises PackageError if there is something already."""
    if folder.is_dir() and [row for row in folder.iterdir() if row.name != ".git"]:
        raise PackageError(f"{folder} is not empty")
    readme = (ROOT / "README.md").read_text("utf-8")
    files: Files = {
        f"custom_components/{DOMAIN}/{name}": content
        for name, content in contents().items()
    }
    for name in ("CHANGELOG.md", "LICENSE", "hacs.json"):
        files[name] = (ROOT / name).read_bytes()
    for name in pictures(readme):
        files[name] = (ROOT / name).read_bytes()
    files["README.md"] = elsewhere(readme, files).encode()
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def pictures(readme: str) -> set[str]:
    """Return the pictures of a README that are files of the repository."""
    found = {row[0] or row[1] for row in _IMAGE.findall(readme)}
    return {name for name in found if (ROOT / name).is_file()}


def elsewhere(readme: str, files: Mapping[str, bytes]) -> str:
    """Return a README whose links to what is not beside it lead to the main repository."""
    address = f"{_manifest(DOMAIN)['documentation']}/blob/{version()}"

    def absolute(link: re.Match[str]) -> str:
        inside = link[2].partition("#")[0] in files
        return link[0] if inside else f"{link[1]}{address}/{link[2]}"

    return _LINK.sub(absolute, readme)


def _path(domain: str) -> Path:
    return ROOT / "custom_components" / domain / MANIFEST


def _manifest(domain: str) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(_path(domain).read_text("utf-8"))
    return manifest


def _whole_manifest() -> bytes:
    """Return the manifest with what the sidecars import, which validators charge to it."""
    manifest = _manifest(DOMAIN)
    others = {
        name
        for sidecar in map(_manifest, SIDECARS)
        for key in ("dependencies", "after_dependencies")
        for name in sidecar.get(key, [])
    }
    own = {DOMAIN, *manifest["dependencies"]}
    manifest["after_dependencies"] = sorted(
        {*manifest["after_dependencies"], *others} - own
    )
    return f"{json.dumps(manifest, ensure_ascii=False, indent=2)}\n".encode()


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="scripts/package", allow_abbrev=False)
    parser.add_argument("file", nargs="?", type=Path, default=ZIP)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--store", type=Path, metavar="DIR")
    what.add_argument("--notes", action="store_true")
    what.add_argument("--version", metavar="X.Y.Z")
    arguments = parser.parse_args()
    try:
        if arguments.store:
            lay_out(arguments.store)
        elif arguments.notes:
            print(notes())
        elif arguments.version:
            set_version(arguments.version)
        else:
            write_zip(contents(), arguments.file)
            print(arguments.file)
    except PackageError as err:
        sys.exit(str(err))


if __name__ == "__main__":
    main()
