"""Photos: what is left of them, what is refused, and what is kept where."""

import asyncio
from collections import Counter
from io import BytesIO
import os
from pathlib import Path
import shutil
import subprocess
import sys
from typing import Any
from unittest.mock import patch
import zlib

from PIL import Image, ImageChops
import pillow_heif
import pytest

from custom_components.rental_units.reports import photo_worker, photos
from custom_components.rental_units.reports.photos import Cleaner, PhotoFiles, distance
from custom_components.rental_units.storage.errors import RegisterError

from .pictures import FORMATS, bomb, mutated, photo, png_of, scene

#: Photos of the suite that are fuzzed; scripts/fuzz_photos takes ten thousand.
FUZZED = 400


async def cleaned(data: bytes, **options: Any) -> photos.Photo:
    """Return what a process makes of a photo."""
    return await Cleaner().async_clean(data, **options)


async def refusal(data: bytes) -> str:
    """Return why a photo is refused."""
    with pytest.raises(RegisterError) as refused:
        await cleaned(data)
    return refused.value.key


@pytest.mark.parametrize("kind", FORMATS)
async def test_pixels_alone(kind: str) -> None:
    """Of a photo of each kind its pixels are left, upright, and nothing else."""
    # 8: the phone was held upright, and the picture lies on its side in the file.
    sent = photo(kind, orientation=8)
    assert b"MARK-" in sent
    found = await cleaned(sent)
    assert found.jpeg[:3] == b"\xff\xd8\xff"
    assert b"MARK" not in found.jpeg
    assert b"Exif" not in found.jpeg
    with Image.open(BytesIO(found.jpeg)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (found.width, found.height))
        assert picture.size == (480, 640)
        assert not picture.getexif()
        assert picture.info.keys() <= {"jfif", "jfif_version", "jfif_unit"} | {
            "jfif_density"
        }
        # The corner of the file is where it belongs.
        corner = scene().getpixel((5, 5))
        seen = picture.getpixel((5, 634))
        assert max(abs(a - b) for a, b in zip(corner, seen, strict=True)) < 24


async def test_second_picture_is_gone() -> None:
    """The second picture of an MPO, and the thumbnail of a HEIC, are left out."""
    written = BytesIO()
    scene(1).save(written, "MPO", save_all=True, append_images=[scene(2)])
    found = await cleaned(written.getvalue())
    alone = await cleaned(photo(picture=scene(1)))
    assert distance(found.fingerprint, alone.fingerprint) <= 2
    assert len(found.jpeg) < len(alone.jpeg) * 1.2
    heif = pillow_heif.from_pillow(scene(1))
    heif.add_from_pillow(scene(2))
    written = BytesIO()
    heif.save(written, thumbnails=[128])
    found = await cleaned(written.getvalue())
    assert (found.width, found.height) == (640, 480)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1", "I;16"])
async def test_modes(mode: str) -> None:
    """Grey, indexed, transparent and printed colours become a photo too."""
    kind = "jpeg" if mode == "CMYK" else "png"
    picture = scene().convert("L").convert(mode) if mode == "I;16" else None
    found = await cleaned(photo(kind, picture or scene().convert(mode)))
    assert (found.width, found.height) == (640, 480)


async def test_large_is_made_small() -> None:
    """48 megapixels of a phone are taken, and kept in a size that shows all the same."""
    found = await cleaned(photo(picture=scene(size=(8_064, 6_048)), quality=50))
    assert (found.width, found.height) == (1_600, 1_200)
    assert len(found.jpeg) < 600_000


async def test_refused_before_it_is_decoded() -> None:
    """What is too large, no photo, or a bomb, is refused."""
    assert await refusal(b"\xff\xd8\xff" + bytes(photo_worker.MOST_BYTES)) == (
        "photo_too_large"
    )
    for nothing in (b"", b"GIF89a" + bytes(100), b"%PDF-1.4", b"\xff\xd8\xff"):
        assert await refusal(nothing) in ("photo_not_a_photo", "photo_damaged")
    # What the library opens besides: none of it is a photo of a phone.
    for kind in ("GIF", "BMP", "TIFF", "PPM", "ICO", "PDF", "EPS"):
        written = BytesIO()
        scene(size=(64, 64)).save(written, kind)
        assert await refusal(written.getvalue()) == "photo_not_a_photo", kind
    packed = zlib.compress(bytes(1_000))
    for size in ((8_000, 8_000), (60_000, 60_000), ((1 << 31) - 1, 1)):
        key = await refusal(png_of(*size, packed))
        assert key in ("photo_too_many_pixels", "photo_not_a_photo"), size


async def test_bomb_that_may_be_decoded() -> None:
    """What just fits does: its process has the memory for it, and no more."""
    found = await cleaned(bomb())
    assert (found.width, found.height) == (1_600, 1_600)
    with patch.object(photos, "_WORKER", Path(__file__).with_name("greedy_worker.py")):
        assert await refusal(bomb()) == "photo_too_many_pixels"


@pytest.mark.parametrize(
    "tail", [b"<script>alert(1)</script>", b"PK\x03\x04MARK-ZIP", b"%PDF-MARK"]
)
@pytest.mark.parametrize("kind", FORMATS)
async def test_polyglots(kind: str, tail: bytes) -> None:
    """A file that is something else as well is a photo alone afterwards."""
    options = {"comment": tail} if kind == "jpeg" else {}
    found = await cleaned(photo(kind, **options) + tail)
    assert tail not in found.jpeg
    assert found.jpeg.endswith(b"\xff\xd9")


async def test_blurred_for_good() -> None:
    """What is blurred is a few squares of one colour; the rest stays."""
    sent = photo(picture=scene(3))
    plain = await cleaned(sent)
    found = await cleaned(sent, blur=[(0.25, 0.25, 0.5, 0.25)])
    with (
        Image.open(BytesIO(plain.jpeg)) as before,
        Image.open(BytesIO(found.jpeg)) as after,
    ):
        # Across the middle of each of 6 × 2 squares nothing changes any more.
        for picture, is_blurred in ((before, False), (after, True)):
            spreads = []
            for x in range(6):
                for y in range(2):
                    left, top = 160 + int((x + 0.5) * 320 / 6), 120 + y * 60 + 30
                    square = picture.crop((left - 12, top - 12, left + 12, top + 12))
                    levels = square.convert("L").tobytes()
                    spreads.append(max(levels) - min(levels))
            assert (max(spreads) < 24) is is_blurred, spreads
        for corner in ((0, 0, 150, 110), (490, 250, 640, 480)):
            apart = ImageChops.difference(before.crop(corner), after.crop(corner))
            assert max(high for _, high in apart.getextrema()) < 48
    # Places beyond the picture, or of no size, blur nothing and break nothing.
    for box in ((2, 2, 1, 1), (-1, -1, 0.5, 0.5), (0.5, 0.5, 0, 0)):
        same = await cleaned(sent, blur=[box])
        assert same.fingerprint == plain.fingerprint


async def test_same_thing_is_near() -> None:
    """The same thing in another size, quality and format is near; another is far."""
    one = await cleaned(photo(picture=scene(4)))
    again = await cleaned(
        photo("webp", picture=scene(4).resize((400, 300)), quality=40)
    )
    other = await cleaned(photo(picture=scene(5)))
    assert distance(one.fingerprint, again.fingerprint) <= 8
    assert distance(one.fingerprint, other.fingerprint) > 8


async def test_fuzzed() -> None:
    """Whatever is sent, there is a photo or one of the reasons: nothing else comes out.

    In this process: a decoder that crashes ends the tests.
    """
    pillow_heif.register_heif_opener(thumbnails=False)
    small = scene(size=(96, 64))
    files = [photo(kind, small) for kind in FORMATS]
    told = Counter[str]()
    for seed in range(FUZZED):
        data = mutated(files[seed % len(files)], seed)
        try:
            _, written = photo_worker.clean(data)
        except photo_worker.PhotoRefusedError as err:
            told[err.key] += 1
        else:
            assert b"MARK" not in written
            told["taken"] += 1
    assert told.keys() <= {"taken", *photo_worker.CODES.values()}
    assert told["taken"] > FUZZED / 10
    assert told["taken"] < FUZZED * 0.95


@pytest.mark.parametrize(
    ("program", "key"),
    [
        ("import os; os.abort()", "photo_damaged"),
        ("import time; time.sleep(600)", "photo_damaged"),
        ("raise SystemExit(1)", "photo_busy"),
        ("raise SystemExit(13)", "photo_damaged"),
    ],
)
async def test_process_that_fails(
    tmp_path: Path, program: str, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A process that crashes or hangs is over; one that cannot run is no photo's fault."""
    worker = tmp_path / "worker.py"
    worker.write_text(program, "utf-8")
    with (
        patch.object(photos, "_WORKER", worker),
        patch.object(photos, "LONGEST_SECONDS", 3),
    ):
        assert await refusal(photo()) == key
    assert ("The process for photos" in caplog.text) is (key == "photo_busy")


async def test_process_of_who_has_gone(tmp_path: Path) -> None:
    """Who hangs up, or a Home Assistant that stops, leaves no process behind."""
    worker, begun = tmp_path / "worker.py", tmp_path / "begun"
    worker.write_text(
        "import os, pathlib, time\n"
        f"pathlib.Path({str(begun)!r}).write_text(str(os.getpid()))\n"
        "time.sleep(600)",
        "utf-8",
    )
    cleaner = Cleaner()
    with patch.object(photos, "_WORKER", worker):
        task = asyncio.create_task(cleaner.async_clean(photo()))
        async with asyncio.timeout(30):
            while not (begun.exists() and begun.read_text("ascii")):  # noqa: ASYNC110
                await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(begun.read_text("ascii")), 0)
    # The next one has its turn.
    assert (await cleaner.async_clean(photo())).width == 640


def test_limits_that_a_system_refuses() -> None:
    """Where one limit cannot be set, as on macOS, the others hold all the same."""
    program = """
import resource, runpy, os
real = resource.setrlimit
def refuse(kind, limits):
    if kind == resource.RLIMIT_AS:
        raise ValueError("current limit exceeds maximum limit")
    real(kind, limits)
resource.setrlimit = refuse
runpy.run_path(%r)["_restrain"]()
print(resource.getrlimit(resource.RLIMIT_CPU)[0], os.nice(0) > 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", program % photo_worker.__file__],
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout.split() == [str(photo_worker.WORK_SECONDS), "True"]


async def test_process_that_cannot_begin() -> None:
    """Without a process, nothing is decoded."""
    with patch.object(sys, "executable", "/nowhere/python"):
        assert await refusal(photo()) == "photo_busy"


async def test_nobody_waits_without_end() -> None:
    """Of many at once some are told to come again, and no memory is held for them."""
    cleaner = Cleaner()
    small = photo(picture=scene(size=(64, 64)))
    results = await asyncio.gather(
        *(cleaner.async_clean(small) for _ in range(photos.MOST_WAITING + 3)),
        return_exceptions=True,
    )
    keys = [row.key for row in results if isinstance(row, RegisterError)]
    assert keys == ["photo_busy"] * 3
    assert (await cleaner.async_clean(small)).width == 64


@pytest.fixture
def files(tmp_path: Path) -> PhotoFiles:
    """Return files in a folder that is not there yet."""
    return PhotoFiles(tmp_path / "photos")


def test_files(files: PhotoFiles, tmp_path: Path) -> None:
    """A file holds nothing that can be read without its key, and is nobody else's to read."""
    jpeg = b"\xff\xd8\xff MARK-PIXELS"
    photo_id, key = files.write(jpeg)
    (path,) = (tmp_path / "photos").iterdir()
    assert b"MARK" not in path.read_bytes()
    assert path.parent.stat().st_mode & 0o077 == 0
    assert files.read(photo_id, key) == jpeg
    other_id, other_key = files.write(jpeg)
    assert files.read(photo_id, other_key) is None
    # One in the place of another is not taken for it.
    path.write_bytes((tmp_path / "photos" / f"{other_id}.photo").read_bytes())
    assert files.read(photo_id, other_key) is None
    assert files.read("gone", key) is None
    for broken in (b"", b"x", path.read_bytes()[:-1]):
        path.write_bytes(broken)
        assert files.read(photo_id, key) is None
    files.remove(photo_id)
    files.remove(photo_id)
    assert files.read(photo_id, key) is None
    files.remove_all()
    files.remove_all()
    assert not (tmp_path / "photos").exists()


@pytest.mark.parametrize("name", ["fsync", "open"])
def test_disk_that_refuses(files: PhotoFiles, tmp_path: Path, name: str) -> None:
    """What cannot be written leaves nothing."""
    files.write(b"one")
    with (
        patch.object(os, name, side_effect=OSError(28, "No space left on device")),
        pytest.raises(OSError, match="No space"),
    ):
        files.write(b"two")
    assert len(list((tmp_path / "photos").iterdir())) == 1


def test_room_for_what_matters_more(files: PhotoFiles, tmp_path: Path) -> None:
    """Photos of strangers do not fill the disk on which alarms are written."""
    files.write(b"one")
    full = shutil.disk_usage(tmp_path)._replace(free=photos.LEAST_FREE_BYTES - 1)
    with (
        patch.object(shutil, "disk_usage", return_value=full),
        pytest.raises(OSError, match="No space"),
    ):
        files.write(b"two")
    assert len(list((tmp_path / "photos").iterdir())) == 1


def test_leftovers(files: PhotoFiles, tmp_path: Path) -> None:
    """What has no row goes, once its row cannot be on its way any more."""
    folder = tmp_path / "photos"
    assert files.sweep([]) == 0
    kept, gone = files.write(b"kept")[0], files.write(b"gone")[0]
    new = folder / "01ABC.new"
    new.write_bytes(b"begun")
    now = new.stat().st_mtime
    assert files.sweep([kept], now + 60) == 0
    assert files.sweep([kept], now + photos.LEFT_OVER_SECONDS + 60) == 2
    assert [path.stem for path in folder.iterdir()] == [kept]
    assert gone != kept
