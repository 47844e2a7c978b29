"""A phone's camera: it reads codes from a sheet of labels, and takes photos.

The sheet is a page for a browser, whose codes are drawings. They are drawn here as a browser
draws them, and read from the picture by a real reader: nobody tells a phone what a code says.
"""

from io import BytesIO
import re
from typing import Final

from PIL import Image, ImageDraw
import pillow_heif
import zxingcpp

#: Pixels to the side of a module of a code.
_PIXELS: Final = 4
_CODE = re.compile(r'<svg[^>]* viewBox="0 0 (\d+) \d+"[^>]*>(.*?)</svg>', re.DOTALL)
#: Where the dark modules of a row are: lines of so many modules, and moves between them.
_DARK = re.compile(r'<path[^>]* stroke="#000"[^>]* d="([^"]+)"')
_STROKE = re.compile(r"([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?")


def scan(sheet: str) -> list[str]:
    """Return what the codes on a sheet say, in their order. Raises ValueError for what is none."""
    said = []
    for side, drawing in _CODE.findall(sheet):
        found = zxingcpp.read_barcode(_drawn(int(side), drawing))
        if found is None:
            raise ValueError("A code on the sheet cannot be read")
        said.append(found.text)
    return said


def _drawn(side: int, drawing: str) -> Image.Image:
    picture = Image.new("L", (side * _PIXELS, side * _PIXELS), 255)
    draw = ImageDraw.Draw(picture)
    x = y = 0.0
    dark = _DARK.search(drawing)
    for step, along, down in _STROKE.findall(dark[1] if dark else ""):
        match step:
            case "M":
                x, y = float(along), float(down)
            case "m":
                x, y = x + float(along), y + float(down)
            case _:
                end = x + float(along)
                corners = ((x, y - 0.5), (end, y + 0.5))
                first, last = ([round(at * _PIXELS) for at in row] for row in corners)
                draw.rectangle((*first, *(at - 1 for at in last)), fill=0)
                x = end
    return picture


def corridor(*, is_clear: bool) -> Image.Image:
    """Return a drawing of a corridor that ends at a door, with boxes before it unless it is clear."""
    picture = Image.new("RGB", (1200, 1600), "#b9b4a8")
    draw = ImageDraw.Draw(picture)
    # What is far away, and the ceiling, the floor and a wall that lead there.
    left, top, right, bottom = far = (420, 520, 780, 1060)
    draw.polygon([(0, 0), (1200, 0), (right, top), (left, top)], fill="#d9d5cb")
    draw.polygon(
        [(0, 1600), (1200, 1600), (right, bottom), (left, bottom)], fill="#8d8778"
    )
    draw.polygon([(0, 0), (left, top), (left, bottom), (0, 1600)], fill="#c9c4b7")
    draw.rectangle(far, fill="#d2cdc0")
    # The door, its handle, and the sign above it.
    draw.rectangle((510, 640, 690, 1060), fill="#7a3b2e")
    draw.ellipse((662, 850, 678, 866), fill="#e8d9a0")
    draw.rectangle((530, 560, 670, 610), fill="#1d7a3c")
    if not is_clear:
        for left, top, width, height, colour in (
            (380, 1000, 250, 210, "#a9814f"),
            (600, 1030, 240, 220, "#b98f5a"),
            (420, 820, 210, 190, "#96713f"),
            (250, 1180, 330, 280, "#b98f5a"),
            (640, 1230, 340, 270, "#9c7746"),
        ):
            draw.rectangle((left, top, left + width, top + height), fill=colour)
            tape = left + width * 2 // 5
            draw.rectangle((tape, top, tape + width // 6, top + height), fill="#d8c79a")
            draw.rectangle((left, top, left + width, top + height), outline="#5e4626")
    return picture


def as_phone(picture: Image.Image, latitude: float, longitude: float) -> bytes:
    """Return a photo as an iPhone keeps it: HEIC, with who made it, when, and where."""
    about = Image.Exif()
    about[0x010F], about[0x0110], about[0x0132] = (
        "Apple",
        "iPhone 17",
        "2026:10:01 08:00:00",
    )
    place = about.get_ifd(0x8825)
    for key, letter, value in ((1, "N", latitude), (3, "E", longitude)):
        minutes = value % 1 * 60
        place[key] = letter
        place[key + 1] = (float(int(value)), float(int(minutes)), minutes % 1 * 60)
    pillow_heif.register_heif_opener()
    written = BytesIO()
    picture.save(written, "heif", exif=about.tobytes(), quality=80)
    return written.getvalue()
