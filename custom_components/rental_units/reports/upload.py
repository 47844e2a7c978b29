"""Reading what strangers send: in portions, and never more of it than is taken."""

from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web
from aiohttp.http import HttpProcessingError

from homeassistant.core import callback

from .const import MOST_PHOTOS
from .photo_worker import MOST_BYTES

#: What the field for photos is called.
PHOTO: Final = "photo"
#: Bytes that are read at once, and of a field at most.
PORTION: Final = 65_536
MOST_FIELD_BYTES: Final = 4_096
MOST_FIELDS: Final = 12
#: Bytes of all that is sent at once, with what a browser writes between.
MOST_BODY_BYTES: Final = MOST_PHOTOS * MOST_BYTES + 65_536
#: Seconds in which all of it has to arrive: ten megabytes over a poor network.
READ_SECONDS: Final = 120
#: Who may send at once, in all and from one address: each holds a photo in memory.
MOST_SENDERS: Final = 8
MOST_FROM_AN_ADDRESS: Final = 3

#: What the library raises where a body is none.
_BROKEN: Final = (
    *(ValueError, LookupError, RuntimeError, TypeError, AssertionError),
    *(HttpProcessingError, OSError),
)


class UploadError(Exception):
    """What was sent is not taken; `key` is that of a text of the page."""

    def __init__(self, key: str) -> None:
        """Initialize."""
        super().__init__(key)
        self.key = key


@dataclass(slots=True)
class Senders:
    """Who is sending something: each holds memory, however slow they are."""

    _all: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def one(self, who: str) -> Generator[None]:
        """Let somebody send. Raises UploadError if too many do."""
        if self._all.total() >= MOST_SENDERS or self._all[who] >= MOST_FROM_AN_ADDRESS:
            raise UploadError("busy")
        self._all[who] += 1
        try:
            yield
        finally:
            self._all[who] -= 1
            if not self._all[who]:
                del self._all[who]


@callback
def check(request: web.Request) -> None:
    """Refuse what need not be read at all. Raises UploadError."""
    if request.content_type != "multipart/form-data":
        raise UploadError("unreadable")
    if (request.content_length or 0) > MOST_BODY_BYTES:
        raise UploadError("photo_too_large")


async def async_answer(request: web.Request) -> str:
    """Return what a button says; empty if it is nothing of ours. Raises UploadError."""
    data = bytearray()
    async for portion in request.content.iter_chunked(PORTION):
        data += portion
        if len(data) > MOST_FIELD_BYTES:
            raise UploadError("unreadable")
    try:
        said = dict(parse_qsl(data.decode("ascii"), max_num_fields=MOST_FIELDS))
    except ValueError:
        return ""
    return said.get("answer", "")


async def async_parts(request: web.Request) -> AsyncGenerator[BodyPartReader]:
    """Yield the parts of a form, in their order. Raises UploadError."""
    seen = 0
    with _readable():
        reader = await request.multipart()
        while part := await reader.next():
            seen += 1
            if seen > MOST_FIELDS or not isinstance(part, BodyPartReader):
                raise UploadError("unreadable")
            yield part


async def async_content(part: BodyPartReader, *, is_photo: bool) -> bytes:
    """Return what is in a part: as many bytes as a photo, or a field, may have.

    Which it is, says the name that our form gave it: one that only says that it is a file is
    as short as any other field. Raises UploadError.
    """
    most = MOST_BYTES if is_photo else MOST_FIELD_BYTES
    data = bytearray()
    with _readable():
        while portion := await part.read_chunk(PORTION):
            data += portion
            if len(data) > most:
                raise UploadError("photo_too_large" if is_photo else "too_long")
    return bytes(data)


@contextmanager
def _readable() -> Generator[None]:
    try:
        yield
    except _BROKEN as err:
        raise UploadError("unreadable") from err
