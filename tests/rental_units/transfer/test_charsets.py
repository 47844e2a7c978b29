"""Which encoding a text has."""

import pytest

from custom_components.rental_units.transfer.charsets import decode
from custom_components.rental_units.transfer.rows import count_headings

ASCII = "building,stairwell,number,role,name,phone\r\n"
SIMPLIFIED = "楼栋,单元,房号,角色,姓名,电话\r\n5,1,501,租客,测试甲,13800138001\r\n"
TRADITIONAL = "樓棟,單元,房號,角色,姓名,電話\r\n5,1,501,租客,測試甲,13800138001\r\n"
PLAIN_SIMPLIFIED = ASCII + "5,1,501,tenant,测试住户甲,13800138001\r\n"
PLAIN_TRADITIONAL = ASCII + "5,1,501,tenant,測試住戶甲,13800138001\r\n"


def is_ours(text: str) -> bool:
    """Return if a text begins with a Chinese heading."""
    cells = text.partition("\n")[0].strip().split(",")
    return count_headings([cell for cell in cells if not cell.isascii()]) > 0


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *(
            (text, encoding)
            for text in (SIMPLIFIED, TRADITIONAL, PLAIN_SIMPLIFIED, ASCII)
            for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32")
        ),
        (SIMPLIFIED, "gb18030"),
        (PLAIN_SIMPLIFIED, "gbk"),
        # Names have signs that GB 2312 does not know.
        (SIMPLIFIED.replace("甲", "喆"), "gbk"),
        (PLAIN_SIMPLIFIED.replace("甲", "喆"), "gbk"),
        (TRADITIONAL, "cp950"),
        (TRADITIONAL, "gbk"),
        (PLAIN_TRADITIONAL, "cp950"),
        (PLAIN_TRADITIONAL.replace("甲", "嘅"), "big5hkscs"),
        # Windows calls it Unicode; some programs leave the mark out.
        (SIMPLIFIED, "utf-16-le"),
        (SIMPLIFIED, "utf-16-be"),
    ],
)
def test_recognised(text: str, encoding: str) -> None:
    """What people save comes out as it was, also where two sets would do."""
    assert decode(text.encode(encoding), is_ours) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (ASCII + "5,1,501,tenant,Müller,13800138001\r\n", "cp1252"),
        (ASCII + "5,1,501,tenant,佐藤さん,13800138001\r\n", "shift_jis"),
        (ASCII + "5,1,501,tenant,喆,13800138001\r\n", "gbk"),
        (ASCII + "5,1,501,tenant,Иван,13800138001\r\n", "cp1251"),
    ],
)
def test_unclear(text: str, encoding: str) -> None:
    """What might be other signs is refused, and never guessed."""
    assert decode(text.encode(encoding), is_ours) is None


@pytest.mark.parametrize(
    "content", [b"\xff\xff\xff\xff", b"\xff\xfea", b"a\0b\0c", SIMPLIFIED.encode()[:-20] + b"\xe4\xb8"]
)  # fmt: skip
def test_broken(content: bytes) -> None:
    """Bytes that are no text of any set are refused."""
    assert decode(content, is_ours) is None
