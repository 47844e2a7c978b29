"""Commands about files that hold people, or the key to them, outside the database."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from glob import escape
from pathlib import Path
from typing import override

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from homeassistant.core import HomeAssistant
from homeassistant.util.json import JsonValueType

from ..access_control import numbers
from ..const import DOMAIN, LOGGER
from ..sightings import store
from ..storage.engine import Database
from ..storage.errors import RegisterError
from ..storage.vault import EXPORT, Compartment, CompartmentRow, Vault
from .work import Command, Work

#: How the name of an export ends as long as it is being written.
PART = ".part"


@dataclass(frozen=True, slots=True)
class NoteExport(Command[None]):
    """Note that an export was written, so that it can be deleted with the people in it."""

    name = "export_register"
    file: str
    vault: Vault

    @override
    def run(self, work: Work) -> None:
        if self.file not in exports(work.session):
            self.vault.put(work.session, Compartment.REGISTER, EXPORT, self.file)


@dataclass(frozen=True, slots=True)
class FindExports(Command[list[str]]):
    """Return the exports that were written: they are to be deleted."""

    name = "erase_person"

    @override
    def run(self, work: Work) -> list[str]:
        return exports(work.session)


@dataclass(frozen=True, slots=True)
class ForgetExports(Command[None]):
    """Forget exports that are deleted."""

    name = "erase_person"
    files: Collection[str]

    @override
    def run(self, work: Work) -> None:
        rows = delete(CompartmentRow).where(CompartmentRow.kind == EXPORT)
        for file in self.files:
            work.session.execute(rows.where(CompartmentRow.body == file))


@dataclass(frozen=True, slots=True)
class GetFiles(Command[list[str]]):
    """Return the exports that were written, as part of all files of the property."""

    name = "get_files"

    @override
    def run(self, work: Work) -> list[str]:
        work.audit()
        return exports(work.session)


def exports(session: Session) -> list[str]:
    """Return the names of the exports that are noted."""
    query = select(CompartmentRow.body).where(CompartmentRow.kind == EXPORT)
    return sorted(set(session.scalars(query)))


def describe(
    files: Mapping[str, Iterable[Path]], now: datetime
) -> Iterator[dict[str, JsonValueType]]:
    """Yield what files are, by their kind, with size and age. One that is gone is left out."""
    for kind, paths in files.items():
        for path in sorted(paths):
            try:
                found = path.stat()
            except FileNotFoundError:
                continue
            modified = datetime.fromtimestamp(found.st_mtime, UTC)
            yield {
                "kind": kind,
                "name": path.name,
                "bytes": found.st_size,
                "modified": modified.isoformat(timespec="seconds"),
                "days": (now - modified).days,
            }


def files_of(folder: Path, name: str) -> list[Path]:
    """Return an export, as far as it is there, and what was begun of it and never ended."""
    found = [folder / name, *folder.glob(f"{escape(name)}.*{PART}")]
    return [file for file in found if file.is_file()]


def remove(folder: Path, names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Delete exports; return the names of those that were there, and of those that stay."""
    removed, left = list[str](), list[str]()
    for name in names:
        try:
            if found := files_of(folder, name):
                for file in found:
                    file.unlink()
                removed.append(name)
        except OSError as err:
            LOGGER.error("An export cannot be deleted: %s", err.strerror)
            left.append(name)
    return removed, left


async def async_remove_exports(hass: HomeAssistant, database: Database) -> None:
    """Delete the exports of a property that is removed, as far as they are known."""
    try:
        await database.async_open()
        names = await database.async_read(exports)
    except RegisterError as err:
        LOGGER.warning("The exports of a removed property are not known: %s", err.key)
        return
    await hass.async_add_executor_job(remove, Path(hass.config.path(DOMAIN)), names)


@dataclass(frozen=True, slots=True)
class RotateKey(Command[int]):
    """Encrypt every row anew with the newest key; return how many nobody can read."""

    name = "rotate_key"
    vault: Vault

    @override
    def run(self, work: Work) -> int:
        work.audit()
        lost = self.vault.rotate(work.session)
        numbers.hash_anew(work.session, self.vault)
        store.hash_anew(work.session, self.vault)
        return lost
