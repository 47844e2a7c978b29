"""Pictures as phones send them, and files as nobody's phone does."""

from io import BytesIO
import random
import struct
from typing import Any
import zlib

from PIL import Image, ImageDraw
import pillow_heif

#: What phones write into a photo besides its pixels. Each of these is a mark.
MAKER, PLACE, COMMENT = "MARK-MAKER", "MARK-PLACE", b"MARK-COMMENT"
FORMATS = ("jpeg", "png", "webp", "heif")


def scene(seed: int = 1, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """Return a picture with large shapes, as a photo has."""
    chance = random.Random(seed)
    picture = Image.new("RGB", size, tuple(chance.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(picture)
    for _ in range(20):
        left, top = chance.randrange(size[0]), chance.randrange(size[1])
        colour = tuple(chance.randrange(256) for _ in range(3))
        draw.rectangle((left, top, left + size[0] // 3, top + size[1] // 3), colour)
    return picture


def exif(orientation: int = 1) -> Image.Exif:
    """Return what a phone writes: who made it, where, and how it was held."""
    found = Image.Exif()
    found[0x010F] = MAKER
    found[0x0112] = orientation
    place = found.get_ifd(0x8825)
    place[1], place[2] = "N", (30.0, 15.0, 30.0)
    place[29] = PLACE
    return found


def photo(
    kind: str = "jpeg",
    picture: Image.Image | None = None,
    orientation: int = 1,
    **options: Any,
) -> bytes:
    """Return a file of a kind, full of marks."""
    pillow_heif.register_heif_opener()
    written = BytesIO()
    if kind == "jpeg":
        options.setdefault("comment", COMMENT)
    options.setdefault("exif", exif(orientation).tobytes())
    (picture or scene()).save(written, kind, **options)
    return written.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG."""
    checked = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + checked


def png_of(width: int, height: int, data: bytes = b"") -> bytes:
    """Return a PNG that says how large it is, whatever is in it."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", data)
        + chunk(b"IEND", b"")
    )


def bomb() -> bytes:
    """Return 150 kB that are 49 million pixels, just as many as are decoded."""
    row = b"\0" * (1 + 7_000 * 3)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(row) for _ in range(7_000)) + packer.flush()
    return png_of(7_000, 7_000, packed)


def mutated(data: bytes, seed: int) -> bytes:
    """Return a file that was damaged, the same for each seed: cut, overwritten, or mixed."""
    chance = random.Random(seed)
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        at = chance.randrange(max(1, len(found)))
        match chance.randrange(5):
            case 0:
                found[at : at + 1] = chance.randbytes(1)
            case 1:
                found[at : at + 4] = chance.choice(
                    (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff")
                )
            case 2:
                del found[at : at + chance.randrange(1, 64)]
            case 3:
                found[at:at] = chance.randbytes(chance.randrange(1, 64))
            case _:
                found[at : at + 2] = struct.pack(">H", chance.randrange(1 << 16))
    if chance.random() < 0.2:
        del found[chance.randrange(max(1, len(found))) :]
    return bytes(found)
