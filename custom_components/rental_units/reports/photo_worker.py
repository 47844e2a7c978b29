"""Write a stranger's photo anew. This file is run as a process of its own.

A decoder is a large piece of C that is fed by whoever passes a door: if it crashes, hangs or
takes all memory, it must not be in the process that watches for fires. So nothing of Home
Assistant or of this package is imported here.

Standard input: the photo. First argument: places to blur, as JSON (see `clean`). Standard
output: a line of JSON, then the JPEG. Exit code 0, or that of `CODES` for what is wrong.
"""

from collections.abc import Sequence
from contextlib import suppress
import io
import json
import os
from pathlib import Path
import sys

from PIL import Image, ImageOps

#: Bytes of a photo at most: what a phone's camera makes has up to eight million.
MOST_BYTES = 10_000_000
#: Pixels at most; phones of 48 megapixels are the largest that send all of them. A JPEG may
#: have more, as its decoder can leave most of them out.
MOST_PIXELS = 50_000_000
MOST_JPEG_PIXELS = 170_000_000
#: Pixels of the longer side that are kept: enough to read a sign in the picture.
LONGEST_SIDE = 1_600
QUALITY = 82
#: What is decoded, and nothing else that the library knows.
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
#: A blurred place has so many squares along its longer side.
SQUARES = 6
#: Bytes of memory and seconds of work that this process may take.
MEMORY_BYTES = 1 << 30
WORK_SECONDS = 15
#: By how much it stands back where others want the processor.
NICE = 10

#: What is wrong with a photo, by exit code.
CODES = {10: "too_large", 11: "not_a_photo", 12: "too_many_pixels", 13: "damaged"}

type Box = Sequence[float]


class PhotoRefusedError(Exception):
    """A photo that is not taken; `key` is one of CODES."""

    def __init__(self, key: str) -> None:
        """Initialize."""
        super().__init__(key)
        self.key = key


def clean(data: bytes, blur: Sequence[Box] = ()) -> tuple[dict[str, object], bytes]:
    """Return width, height and fingerprint of a photo, and the photo as a JPEG of pixels alone.

    Of what else was in the file (place, time, camera, comments, previews, a second picture)
    nothing is left. `blur` are places that are made unreadable: left, top, width and height
    as parts of the picture's. Raises PhotoRefusedError.
    """
    if len(data) > MOST_BYTES:
        raise PhotoRefusedError("too_large")
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise PhotoRefusedError("too_many_pixels") from None
    except Exception as err:
        raise PhotoRefusedError("not_a_photo") from err
    # A second picture behind the first (MPO) makes a JPEG no less of one.
    is_jpeg = picture.format in ("JPEG", "MPO")
    if picture.width * picture.height > (MOST_JPEG_PIXELS if is_jpeg else MOST_PIXELS):
        raise PhotoRefusedError("too_many_pixels")
    try:
        if is_jpeg:
            picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        picture.load()
        # Made small first: what follows makes copies.
        picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        # As it was held, before the note that says so is dropped.
        upright = ImageOps.exif_transpose(picture)
        pixels = Image.new("RGB", upright.size, "white")
        if upright.has_transparency_data:
            upright = upright.convert("RGBA")
            pixels.paste(upright, mask=upright)
        else:
            pixels.paste(upright.convert("RGB"))
        for box in blur:
            _blur(pixels, box)
        written = io.BytesIO()
        pixels.save(written, "JPEG", quality=QUALITY, optimize=True)
        facts = {
            "width": pixels.width,
            "height": pixels.height,
            "fingerprint": fingerprint(pixels),
        }
    except MemoryError:
        raise PhotoRefusedError("too_many_pixels") from None
    except Exception as err:
        raise PhotoRefusedError("damaged") from err
    return facts, written.getvalue()


def fingerprint(picture: Image.Image) -> str:
    """Return the difference hash of a picture: 64 bits, as 16 hexadecimal digits.

    Each bit says if a point is brighter than its neighbour to the right, in a picture of
    9 × 8 grey points: pictures of the same thing differ in few of them.
    """
    grey = picture.convert("L").resize((9, 8), Image.Resampling.LANCZOS).tobytes()
    bits = 0
    for row in range(8):
        for column in range(8):
            at = row * 9 + column
            bits = bits << 1 | (grey[at] > grey[at + 1])
    return f"{bits:016x}"


def _blur(picture: Image.Image, box: Box) -> None:
    """Leave squares of one colour each: what was between cannot be computed back."""
    left, top, width, height = box
    area = (
        max(0, int(left * picture.width)),
        max(0, int(top * picture.height)),
        min(picture.width, round((left + width) * picture.width)),
        min(picture.height, round((top + height) * picture.height)),
    )
    wide, high = area[2] - area[0], area[3] - area[1]
    if wide <= 0 or high <= 0:
        return
    square = max(wide, high) / SQUARES
    small = (max(1, round(wide / square)), max(1, round(high / square)))
    part = picture.crop(area).resize(small, Image.Resampling.BOX)
    picture.paste(part.resize((wide, high), Image.Resampling.NEAREST), area[:2])


def _restrain() -> None:
    """Take little of the machine, and be the first that goes where memory is short."""
    # Not on Windows.
    with suppress(ImportError):
        import resource  # noqa: PLC0415

        for kind, most in (
            (resource.RLIMIT_AS, MEMORY_BYTES),
            (resource.RLIMIT_CPU, WORK_SECONDS),
            (resource.RLIMIT_CORE, 0),
        ):
            # Each for itself: macOS refuses the first, and who has less already all others.
            with suppress(OSError, ValueError):
                resource.setrlimit(kind, (most, most))
        # Whoever watches for fires comes first.
        os.nice(NICE)
    # Only on Linux.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")


def main() -> int:
    """Read, write, and return the exit code."""
    _restrain()
    # Without it iPhones' photos are refused, and all others are taken.
    with suppress(ImportError):
        import pillow_heif  # noqa: PLC0415

        # The picture itself: a thumbnail in the file may show something else.
        pillow_heif.register_heif_opener(
            thumbnails=False, aux_images=False, depth_images=False, decode_threads=1
        )
    blur = json.loads(sys.argv[1]) if len(sys.argv) > 1 else []
    try:
        facts, photo = clean(sys.stdin.buffer.read(MOST_BYTES + 1), blur)
    except PhotoRefusedError as err:
        return next(code for code, key in CODES.items() if key == err.key)
    sys.stdout.buffer.write(json.dumps(facts).encode() + b"\n" + photo)
    return 0


if __name__ == "__main__":
    sys.exit(main())
