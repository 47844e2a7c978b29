"""What a phone reads from a sheet, and what is in the photos that it takes."""

from io import BytesIO

from PIL import Image
import pillow_heif
import pytest
import segno

from simulator.scanning import as_phone, corridor, scan

ADDRESSES = [f"https://home.example.cn/api/q/{letter * 22}" for letter in "Ab_-0"]


def drawn(text: str) -> str:
    """Return a code as it is drawn on a sheet."""
    return str(segno.make_qr(text, error="q").svg_inline(omitsize=True, border=4))


def test_codes_are_read_in_their_order() -> None:
    """Each of a sheet says its own address."""
    sheet = "".join(f"<div>{drawn(address)}</div>" for address in ADDRESSES)
    assert scan(sheet) == ADDRESSES


def test_what_is_no_code_is_not_read() -> None:
    """Nobody guesses what a plate says of which half is gone."""
    whole = drawn(ADDRESSES[0])
    half = whole[: whole.index("m", len(whole) // 2)] + '"/></svg>'
    with pytest.raises(ValueError, match="cannot be read"):
        scan(half)
    assert scan("<p>No code</p>") == []


def test_a_photo_says_where_it_was_taken() -> None:
    """As that of a phone does."""
    pillow_heif.register_heif_opener()
    with Image.open(
        BytesIO(as_phone(corridor(is_clear=False), 30.42, 120.28))
    ) as photo:
        assert photo.format == "HEIF"
        about = photo.getexif()
    assert about[0x010F] == "Apple"
    place = about.get_ifd(0x8825)
    degrees = [round(float(at), 1) for at in place[2]]
    assert degrees == [30.0, 25.0, 12.0]
    assert place[1] == "N"
