"""Fields of frames: texts such as "status:st value:u16" become readers and writers of bytes.

All is little-endian. Codes of types:

    u8 u16 u24 u32 u64 i8 i16 i32 f32 bool    numbers; u64 is also how an EUI64 is kept
    b8 b16 ...                                that many bytes
    lv / lv32                                 bytes after a length of one or four bytes
    rest                                      the bytes that are left
    lv16 / lv8                                numbers after a count of one byte
    u16*                                      numbers to the end
    st / es / sl                              a Status: by version, one byte, four bytes
    <name>                                    a structure of `structs`
"""

from collections.abc import Callable, Mapping
from functools import cache
import struct
from typing import Any, Protocol, override

from .status import Status

type Values = dict[str, Any]


class TooShortError(ValueError):
    """There are fewer bytes than the fields need."""


class Type(Protocol):
    """How one field is read and written."""

    zero: Any

    def read(self, data: bytes, at: int) -> tuple[Any, int]:
        """Return the value at an offset, and the offset after it."""

    def write(self, value: Any) -> bytes:
        """Return the value as bytes."""


class _Number(Type):
    def __init__(self, code: str, size: int) -> None:
        self.zero = 0
        self._struct = struct.Struct(f"<{code}")
        self._size = size

    @override
    def read(self, data: bytes, at: int) -> tuple[Any, int]:
        try:
            return self._struct.unpack_from(data, at)[0], at + self._size
        except struct.error as err:
            raise TooShortError from err

    @override
    def write(self, value: Any) -> bytes:
        return self._struct.pack(value)


class _Odd(Type):
    """Unsigned numbers of a size that `struct` does not know."""

    def __init__(self, size: int) -> None:
        self.zero = 0
        self._size = size

    @override
    def read(self, data: bytes, at: int) -> tuple[Any, int]:
        end = at + self._size
        if end > len(data):
            raise TooShortError
        return int.from_bytes(data[at:end], "little"), end

    @override
    def write(self, value: Any) -> bytes:
        return int(value).to_bytes(self._size, "little")


class _Bytes(Type):
    def __init__(self, size: int) -> None:
        self.zero = bytes(size)
        self._size = size

    @override
    def read(self, data: bytes, at: int) -> tuple[Any, int]:
        end = at + self._size
        if end > len(data):
            raise TooShortError
        return data[at:end], end

    @override
    def write(self, value: Any) -> bytes:
        return bytes(value)[: self._size].ljust(self._size, b"\0")


class _Counted(Type):
    """Bytes after their count."""

    zero = b""

    @override
    def read(self, data: bytes, at: int) -> tuple[Any, int]:
        if at >= len(data):
            raise TooShortError
        end = at + 1 + data[at]
        if end > len(data):
            raise TooShortError
        return data[at + 1 : end], end

    @override
    def write(self, value: Any) -> bytes:
        return bytes((len(value), *value))


class _LongCounted(Type):
    """Bytes after their count of four bytes; None is nothing at all."""

    zero = None

    @override
    def read(self, data: bytes, at: int) -> tuple[Any, int]:
        if at == len(data):
            return None, at
        size, at = _NUMBERS["u32"].read(data, at)
        if at + size > len(data):
            raise TooShortError
        return data[at : at + size], at + size

    @override
    def write(self, value: Any) -> bytes:
        if value is None:
            return b""
        return len(value).to_bytes(4, "little") + bytes(value)


class _Rest(Type):
    zero = b""

    @override
    def read(self, data: bytes, at: int) -> tuple[Any, int]:
        return data[at:], len(data)

    @override
    def write(self, value: Any) -> bytes:
        return bytes(value)


class _List(Type):
    """Numbers, to the end or after a count of one byte."""

    def __init__(self, item: Type, *, counted: bool) -> None:
        self.zero: tuple[int, ...] = ()
        self._item = item
        self._counted = counted

    @override
    def read(self, data: bytes, at: int) -> tuple[Any, int]:
        values = []
        if self._counted:
            if at >= len(data):
                raise TooShortError
            count, at = data[at], at + 1
            for _ in range(count):
                value, at = self._item.read(data, at)
                values.append(value)
        else:
            while at < len(data):
                value, at = self._item.read(data, at)
                values.append(value)
        return tuple(values), at

    @override
    def write(self, value: Any) -> bytes:
        head = bytes((len(value),)) if self._counted else b""
        return head + b"".join(map(self._item.write, value))


class _Status(Type):
    def __init__(self, *, long: bool) -> None:
        self.zero = Status.OK
        self._long = long

    @override
    def read(self, data: bytes, at: int) -> tuple[Any, int]:
        return (_NUMBERS["u32"] if self._long else _NUMBERS["u8"]).read(data, at)

    @override
    def write(self, value: Any) -> bytes:
        if self._long:
            return int(value.word).to_bytes(4, "little")
        return bytes((value.byte,))


class Fields(Type):
    """Named fields, one after another. What is not given is zero."""

    def __init__(self, text: str, find: Callable[[str], Type]) -> None:
        """Initialize from a text; `find` gives the type of a code."""
        pairs = (part.split(":") for part in text.split())
        self.types = tuple((name, find(code)) for name, code in pairs)
        self.zero: Values = {}

    @override
    def read(self, data: bytes, at: int = 0) -> tuple[Values, int]:
        """Return the values by name. Raises TooShortError."""
        values = {}
        for name, kind in self.types:
            values[name], at = kind.read(data, at)
        return values, at

    @override
    def write(self, value: Mapping[str, Any]) -> bytes:
        """Return the bytes."""
        return b"".join(
            kind.write(value.get(name, kind.zero)) for name, kind in self.types
        )


_NUMBERS: dict[str, Type] = {
    "u8": _Number("B", 1),
    "u16": _Number("H", 2),
    "u32": _Number("I", 4),
    "u64": _Number("Q", 8),
    "i8": _Number("b", 1),
    "i16": _Number("h", 2),
    "i32": _Number("i", 4),
    "f32": _Number("f", 4),
    "bool": _Number("B", 1),
    "u24": _Odd(3),
    "u40": _Odd(5),
    "u48": _Odd(6),
    "u56": _Odd(7),
}
_OTHERS: dict[str, Type] = {
    "lv": _Counted(),
    "lv32": _LongCounted(),
    "rest": _Rest(),
    "lv16": _List(_NUMBERS["u16"], counted=True),
    "lv8": _List(_NUMBERS["u8"], counted=True),
    "u16*": _List(_NUMBERS["u16"], counted=False),
    "es": _Status(long=False),
    "sl": _Status(long=True),
}


def plain(code: str) -> Type:
    """Return a type that is the same in every version. Raises KeyError."""
    if code in _NUMBERS:
        return _NUMBERS[code]
    if code in _OTHERS:
        return _OTHERS[code]
    if code[0] == "b" and code[1:].isdecimal():
        return _Bytes(int(code[1:]))
    raise KeyError(code)


@cache
def fields(text: str) -> Fields:
    """Return fields without versions and structures."""
    return Fields(text, plain)
