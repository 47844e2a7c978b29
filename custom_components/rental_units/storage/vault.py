"""Compartments: what is more sensitive than the register has rows and a retention of its own.

The highest are encrypted (AES-256-GCM), with a key in Home Assistant's `.storage`: a copy
of the database alone shows nothing of them. Whoever has both has everything; a backup of
Home Assistant holds both.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
import hmac
import secrets
import time
from typing import Final, TypedDict

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from homeassistant.util.ulid import ulid_now

from ..const import DOMAIN
from .base import Base
from .errors import RegisterError
from .migrations import Feature, statements

FEATURE = Feature(
    "vault",
    (
        statements(
            """CREATE TABLE compartment_rows (
                id TEXT PRIMARY KEY,
                compartment TEXT NOT NULL,
                kind TEXT NOT NULL,
                person_id TEXT,
                unit_id TEXT,
                created_at DOUBLE PRECISION NOT NULL,
                purge_at DOUBLE PRECISION NOT NULL,
                key_id TEXT,
                body TEXT NOT NULL
            )""",
            "CREATE INDEX ix_compartment_rows_person_id ON compartment_rows (person_id)",
            "CREATE INDEX ix_compartment_rows_unit_id ON compartment_rows (unit_id)",
            "CREATE INDEX ix_compartment_rows_purge_at ON compartment_rows (purge_at)",
        ),
    ),
)
_NONCE_BYTES: Final = 12
#: The kind of rows that name a file with people in it. They stay until it is deleted:
#: nobody would find it any more.
EXPORT: Final = "export"


class Compartment(StrEnum):
    """Kinds of data by how sensitive they are."""

    REGISTER = "register"
    SIGHTINGS = "sightings"
    CARE = "care"
    SEALED = "sealed"


@dataclass(frozen=True, slots=True)
class Rules:
    """How a compartment is kept."""

    #: Days that a row is kept, unless an option says otherwise.
    keep_days: int
    encrypted: bool = False


#: The register's own tables follow its options; 30 days of sightings: design, section 9.
RULES: Final[Mapping[Compartment, Rules]] = {
    Compartment.REGISTER: Rules(365),
    Compartment.SIGHTINGS: Rules(30),
    Compartment.CARE: Rules(90, encrypted=True),
    Compartment.SEALED: Rules(365, encrypted=True),
}


class CompartmentRow(Base):
    """A row of a compartment; the body of an encrypted one is base64."""

    __tablename__ = "compartment_rows"

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    compartment: Mapped[str]
    kind: Mapped[str]
    person_id: Mapped[str | None] = mapped_column(index=True)
    unit_id: Mapped[str | None] = mapped_column(index=True)
    #: Unix times.
    created_at: Mapped[float] = mapped_column(default=time.time)
    purge_at: Mapped[float] = mapped_column(index=True)
    #: None where nothing is encrypted.
    key_id: Mapped[str | None]
    body: Mapped[str]


class _Stored(TypedDict):
    current: str
    keys: dict[str, str]


class Keys:
    """The keys of one property: the newest encrypts, older ones still open."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Initialize."""
        self._hass = hass
        #: Of the file in `.storage`.
        self.name = f"{DOMAIN}.{entry_id}.keys"
        self._keys: dict[str, bytes] = {}
        #: Those of digests, by the key and what they are about.
        self._derived: dict[tuple[str, str], bytes] = {}
        self.current = ""

    async def async_load(self) -> None:
        """Read the keys; the first start makes one. Raises RegisterError."""
        if found := await self._store().async_load():
            self.current = found["current"]
            self._keys = {key: b64decode(text) for key, text in found["keys"].items()}
        else:
            await self.async_add()

    async def async_add(self) -> None:
        """Make a new key. It is on disk before anything is encrypted with it.

        Raises RegisterError if it cannot be written; nothing has changed then.
        """
        current, key = ulid_now(), AESGCM.generate_key(256)
        await self._async_save(current, {**self._keys, current: key})

    async def async_keep_only_current(self) -> None:
        """Drop the older keys, once nothing is encrypted with them."""
        await self._async_save(self.current, {self.current: self._keys[self.current]})

    async def async_remove(self) -> None:
        """Delete the keys, where their property is removed."""
        await self._store().async_remove()

    def seal(self, text: str, about: str) -> tuple[str, str]:
        """Return the id of the key, and text encrypted; it opens only for the same `about`.

        Raises RegisterError if there is no key that is on disk.
        """
        if self.current not in self._keys:
            raise RegisterError("key_unwritable")
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(self._keys[self.current]).encrypt(
            nonce, text.encode(), about.encode()
        )
        return self.current, b64encode(nonce + sealed).decode()

    def open(self, key_id: str, body: str, about: str) -> str:
        """Return what was encrypted.

        Raises RegisterError if the key is lost, or the row was changed or is another's.
        """
        if key_id not in self._keys:
            raise RegisterError("key_lost")
        try:
            raw = b64decode(body)
            return (
                AESGCM(self._keys[key_id])
                .decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], about.encode())
                .decode()
            )
        except InvalidTag, ValueError:
            raise RegisterError("sealed_row_damaged") from None

    def digest(self, text: str, about: str) -> str:
        """Return what text is found by, where it is kept encrypted: 64 hexadecimal digits.

        It follows from the newest key: after a rotation it is another. Raises RegisterError
        if there is no key that is on disk.
        """
        if self.current not in self._keys:
            raise RegisterError("key_unwritable")
        return self._digest(self.current, text, about)

    def digests(self, text: str, about: str) -> list[str]:
        """Return it for every key: a rotation may have ended in the middle."""
        return [self._digest(key, text, about) for key in self._keys]

    def _digest(self, key: str, text: str, about: str) -> str:
        if (own := self._derived.get((key, about))) is None:
            # Not the key that encrypts: each has one use.
            derive = HKDF(SHA256(), 32, salt=None, info=about.encode())
            own = self._derived[key, about] = derive.derive(self._keys[key])
        return hmac.digest(own, text.encode(), "sha256").hex()

    def lost(self) -> ColumnElement[bool]:
        """Return the condition of rows whose key is not there."""
        return CompartmentRow.key_id.is_not(None) & CompartmentRow.key_id.not_in(
            list(self._keys)
        )

    async def _async_save(self, current: str, keys: dict[str, bytes]) -> None:
        texts = {key: b64encode(raw).decode() for key, raw in keys.items()}
        wanted = _Stored(current=current, keys=texts)
        await self._store().async_save(wanted)
        # The store logs what it cannot write, and raises nothing.
        if await self._store().async_load() != wanted:
            raise RegisterError("key_unwritable")
        self.current, self._keys = current, keys

    def _store(self) -> Store[_Stored]:
        return Store(self._hass, 1, self.name, private=True, atomic_writes=True)


class Vault:
    """Rows of the compartments."""

    def __init__(self, keys: Keys) -> None:
        """Initialize."""
        self._keys = keys
        self.digest, self.digests = keys.digest, keys.digests

    def put(
        self,
        session: Session,
        compartment: Compartment,
        kind: str,
        text: str,
        *,
        person_id: str | None = None,
        unit_id: str | None = None,
        keep_days: int | None = None,
    ) -> str:
        """Write a row; return its id."""
        rules, now = RULES[compartment], time.time()
        row = CompartmentRow(
            id=ulid_now(),
            compartment=compartment,
            kind=kind,
            person_id=person_id,
            unit_id=unit_id,
            created_at=now,
            purge_at=now + (keep_days or rules.keep_days) * 86_400,
            body=text,
        )
        if rules.encrypted:
            row.key_id, row.body = self._keys.seal(text, row.id)
        session.add(row)
        session.flush()
        return row.id

    def rewrite(self, session: Session, row_id: str, text: str) -> bool:
        """Let a row hold something else; return False if it is gone."""
        row = session.get(CompartmentRow, row_id)
        if row is None:
            return False
        row.body = text
        if row.key_id:
            row.key_id, row.body = self._keys.seal(text, row.id)
        return True

    def read(self, session: Session, row_id: str) -> str | None:
        """Return what a row holds; None if there is none. Raises RegisterError."""
        row = session.get(CompartmentRow, row_id)
        return self._open(row) if row else None

    def open_if_possible(self, row: CompartmentRow | None) -> str | None:
        """Return what a row holds; None for none, or if nobody can read it any more."""
        try:
            return self._open(row) if row else None
        except RegisterError:
            return None

    def _open(self, row: CompartmentRow) -> str:
        return self._keys.open(row.key_id, row.body, row.id) if row.key_id else row.body

    def rotate(self, session: Session) -> int:
        """Encrypt all rows with the newest key; return how many it cannot open."""
        for row in session.scalars(
            select(CompartmentRow).where(
                CompartmentRow.key_id != self._keys.current, ~self._keys.lost()
            )
        ):
            text = self._keys.open(row.key_id or "", row.body, row.id)
            row.key_id, row.body = self._keys.seal(text, row.id)
        session.flush()
        return self.lost(session)

    def lost(self, session: Session) -> int:
        """Return how many rows nobody can read any more: their key is not there."""
        return (
            session.scalar(
                select(func.count())
                .select_from(CompartmentRow)
                .where(self._keys.lost())
            )
            or 0
        )


def forget_person(session: Session, person_id: str, kind: str | None = None) -> None:
    """Remove the rows of a person: those of a kind, or all."""
    rows = delete(CompartmentRow).where(CompartmentRow.person_id == person_id)
    session.execute(rows if kind is None else rows.where(CompartmentRow.kind == kind))


def drop(session: Session, row_id: str) -> None:
    """Remove a row."""
    session.execute(delete(CompartmentRow).where(CompartmentRow.id == row_id))


def move_person(session: Session, person_id: str, to: str) -> None:
    """Give all rows of a person to another, who is the same."""
    session.execute(
        update(CompartmentRow)
        .where(CompartmentRow.person_id == person_id)
        .values(person_id=to)
    )


def purge(session: Session, now: float) -> None:
    """Remove what need not be kept any more."""
    session.execute(
        delete(CompartmentRow).where(
            CompartmentRow.purge_at < now, CompartmentRow.kind != EXPORT
        )
    )
