"""Photos: written anew by a process of its own, and kept as files that a row's key opens."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
import errno
import json
import os
from pathlib import Path
import secrets
import shutil
import sys
import time
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from homeassistant.util.ulid import ulid_now

from ..const import LOGGER
from ..storage.errors import RegisterError
from .photo_worker import CODES, MOST_BYTES, Box

_WORKER: Final = Path(__file__).with_name("photo_worker.py")
#: Seconds that a photo may take on a slow machine, with the start of its process.
LONGEST_SECONDS: Final = 30
#: Photos that wait while one is written anew; who comes then is told to try again. With what
#: a photo may have at most it bounds the memory.
MOST_WAITING: Final = 8
_NONCE_BYTES: Final = 12
_SUFFIX: Final = ".photo"
#: Seconds after which a file without a row is left over: before, its row may be on its way.
LEFT_OVER_SECONDS: Final = 3_600
#: Bytes that strangers' photos leave free on the disk: alarms and people are written there.
LEAST_FREE_BYTES: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo that was written anew: a JPEG of `width` × `height` pixels.

    `fingerprint` is its difference hash, 16 hexadecimal digits.
    """

    jpeg: bytes
    width: int
    height: int
    fingerprint: str


def distance(one: str, other: str) -> int:
    """Return in how many of 64 bits two fingerprints differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


class Cleaner:
    """Writes photos anew, one at a time: there is one camera's worth of memory for them."""

    def __init__(self) -> None:
        """Initialize."""
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def async_clean(self, data: bytes, blur: Sequence[Box] = ()) -> Photo:
        """Return a photo of pixels alone, with some places made unreadable.

        Raises RegisterError with the key of what is wrong with it, or with `photo_busy`.
        """
        if len(data) > MOST_BYTES:
            raise RegisterError("photo_too_large")
        if self._waiting >= MOST_WAITING:
            raise RegisterError("photo_busy")
        self._waiting += 1
        try:
            async with self._turn:
                return await _async_run(data, blur)
        finally:
            self._waiting -= 1


async def _async_run(data: bytes, blur: Sequence[Box]) -> Photo:
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            str(_WORKER),
            json.dumps([list(box) for box in blur]),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            # It finds the libraries that we find, and knows nothing else of us.
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
    except OSError as err:
        LOGGER.error("No process for a photo could be started: %s", err)
        raise RegisterError("photo_busy") from None
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            written, _ = await process.communicate(data)
    except TimeoutError:
        raise RegisterError("photo_damaged") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    code = process.returncode or 0
    if code in CODES:
        raise RegisterError(f"photo_{CODES[code]}")
    if code < 0:
        # By a signal: crashed, or too greedy.
        raise RegisterError("photo_damaged")
    if code:
        # That is no photo's fault: it cannot run here.
        LOGGER.error("The process for photos ended with %s", code)
        raise RegisterError("photo_busy")
    facts, _, jpeg = written.partition(b"\n")
    return Photo(jpeg, **json.loads(facts))


class PhotoFiles:
    """The files of photos, in a folder that nothing serves.

    Each is encrypted with a key of its own, which is in a sealed row of the register: without
    the row nobody opens it, so what is forgotten there is forgotten everywhere, in backups
    of the folder too. All of it waits for the disk: not for the event loop.
    """

    def __init__(self, folder: Path) -> None:
        """Initialize."""
        self._folder = folder

    def write(self, jpeg: bytes) -> tuple[str, str]:
        """Return the id and the key of a new file, which is on the disk.

        Raises OSError, also where the disk has too little room for what matters more.
        """
        photo_id, key = ulid_now(), AESGCM.generate_key(256)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + AESGCM(key).encrypt(nonce, jpeg, photo_id.encode())
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if shutil.disk_usage(self._folder).free < LEAST_FREE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        new = self._path(photo_id).with_suffix(".new")
        try:
            with new.open("xb") as file:
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
            new.rename(self._path(photo_id))
            # Its name too, before there is a row that says so.
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError:
            new.unlink(missing_ok=True)
            self.remove(photo_id)
            raise
        return photo_id, b64encode(key).decode()

    def read(self, photo_id: str, key: str) -> bytes | None:
        """Return a photo; None if its file is gone, or is not what was written."""
        try:
            sealed = self._path(photo_id).read_bytes()
            return AESGCM(b64decode(key)).decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], photo_id.encode()
            )
        except OSError, InvalidTag, ValueError:
            return None

    def remove(self, photo_id: str) -> None:
        """Delete a file; one that cannot be is left over, and nobody can read it."""
        with suppress(OSError):
            self._path(photo_id).unlink(missing_ok=True)

    def sweep(self, known: Collection[str], now: float | None = None) -> int:
        """Delete what has no row any more, or never got one; return how many there were.

        Raises OSError if the folder cannot be read.
        """
        before = (now or time.time()) - LEFT_OVER_SECONDS
        left = 0
        if not self._folder.is_dir():
            return left
        for path in list(self._folder.iterdir()):
            if path.suffix == _SUFFIX and path.stem in known:
                continue
            # One that cannot be deleted keeps no other.
            with suppress(OSError):
                if path.stat().st_mtime < before:
                    path.unlink()
                    left += 1
        return left

    def remove_all(self) -> None:
        """Delete the folder, where its property is removed. Raises OSError."""
        if self._folder.is_dir():
            shutil.rmtree(self._folder)

    def _path(self, photo_id: str) -> Path:
        return self._folder / f"{photo_id}{_SUFFIX}"
