"""Which encoding a text has: recognised, or refused, and never guessed into wrong signs."""

import codecs
from collections.abc import Callable, Iterator
import re

#: A longer mark begins with a shorter one: UTF-32 is looked for before UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Double-byte sets of Excel in China, Taiwan and Hong Kong, and the first bytes of their
#: common characters: GB 2312 level 1, Big5 level 1.
_SETS = (
    ("gb18030", range(0xB0, 0xD8)),
    ("cp950", range(0xA4, 0xC7)),
    ("big5hkscs", range(0xA4, 0xC7)),
)
#: Share of common characters in a text of the right set (0.97 and more in registers), and
#: by how much it has to be before the next one.
_COMMON = 0.8
_AHEAD = 0.15
_IDEOGRAPH = re.compile(r"[^\x00-\x7f\u2000-\u206f\u3000-\u303f\uff00-\uffef]")


def decode(content: bytes, is_ours: Callable[[str], bool]) -> str | None:
    """Return the text of a file, or None if its encoding is unclear.

    `is_ours` says if a text begins with a heading that is known and not ASCII, which only
    the right encoding gives: it decides where statistics do not.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _try(content, encoding)
    if b"\0" in content:
        return _try(content, _wide(content))
    if (text := _try(content, "utf-8")) is not None:
        return text
    texts = list(_double_byte(content))
    ours = [text for text, _ in texts if is_ours(text)]
    if len(set(ours)) == 1:
        return ours[0]
    ranked = sorted(texts, key=lambda row: -row[1])
    if not ranked or ranked[0][1] < _COMMON:
        return None
    best, share = ranked[0]
    others = [row[1] for row in ranked if row[0] != best]
    return best if all(share - other >= _AHEAD for other in others) else None


def _double_byte(content: bytes) -> Iterator[tuple[str, float]]:
    """Yield what the text would be in each set, with its share of common characters."""
    for encoding, common in _SETS:
        if (text := _try(content, encoding)) is None:
            continue
        signs = _IDEOGRAPH.findall(text)
        leads = (sign.encode(encoding) for sign in signs)
        count = sum(len(lead) == 2 and lead[0] in common for lead in leads)
        yield text, count / len(signs) if signs else 0.0


def _wide(content: bytes) -> str:
    """Return the byte order of UTF-16 without a mark: ASCII has its zeros on one side."""
    even, odd = content[::2].count(0), content[1::2].count(0)
    return "utf-16-be" if even > odd else "utf-16-le"


def _try(content: bytes, encoding: str) -> str | None:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def is_damaged(text: str) -> bool:
    """Return if a text has lost its signs before it came here.

    A replacement character, question marks in place of a word, what GBK makes of
    replacement characters, and UTF-8 that was read as Western and saved again.
    """
    if text.isascii():
        return re.fullmatch(r"[?\s]*\?{2,}[?\s]*", text) is not None
    if "\ufffd" in text or "锟斤拷" in text:
        return True
    try:
        # A blank that does not break has often become one that does.
        b"".join(map(_western, text.replace(" ", "\xa0"))).decode("utf-8")
    except UnicodeError:
        return False
    return True


def _western(sign: str) -> bytes:
    """Return the byte that Windows shows as a sign. Raises UnicodeError."""
    return sign.encode("latin-1" if "\x80" <= sign <= "\x9f" else "cp1252")
