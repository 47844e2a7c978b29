"""Who is found by what: signs, pinyin, initials; also in a register of before."""

from typing import Any

import pytest
from sqlalchemy import text

from custom_components.rental_units.register.addresses import mask_name
from custom_components.rental_units.register.migrations import found_by_name
from custom_components.rental_units.register.names import (
    MOST_PARTS,
    MOST_SPELLINGS,
    is_spelt,
    plain,
    search_key,
)

from .before import engine_of


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("甲乙丙", "甲乙丙"),
        ("甲乙丙", "jiayibing"),
        ("甲乙丙", "yibing"),
        ("甲乙丙", "jyb"),
        ("甲乙丙", "yb"),
        # A surname is read in a way of its own.
        ("单一", "shanyi"),
        ("单一", "danyi"),
        ("單一", "sy"),
        ("吕一", "lvyi"),
        ("吕一", "luyi"),
        ("吕一", "lyuyi"),
        ("Placeholder Tenant 2", "placeholdertenant2"),
        ("Placeholder Tenant 2", "tenant"),
        ("Placeholder Tenant 2", "pt2"),
        ("Plâceholder", "placeholder"),
        ("ＰＬＡＣＥ", "place"),
        ("甲 Placeholder", "jiaplaceholder"),
        ("Имя", "имя"),
        # Without a reading it is found by itself.
        ("\U00030f54乙", "\U00030f54乙"),
    ],
)
def test_found_by(name: str, wanted: str) -> None:
    """A word of the key begins with what somebody types."""
    assert f" {plain(wanted)}" in search_key(name)


def test_words() -> None:
    """Whether something is spelt decides where it is looked for."""
    assert is_spelt(plain("Wáng 1"))
    assert not is_spelt(plain("甲a"))
    assert plain(" 甲·乙 - B2 ") == "甲乙b2"
    assert search_key("…") == "  "


def test_many_readings() -> None:
    """A long name of signs with many readings has a key of some size, and no more."""
    words = search_key("单行重都和" * 20).split()
    assert len(words) <= MOST_PARTS * 2 * MOST_SPELLINGS
    # The surname keeps its rarer readings.
    assert {word[:7] for word in words} >= {"danxing", "shanxin"}


def test_mask() -> None:
    """A mask tells the first sign, however short the name is."""
    assert [mask_name(row) for row in ("甲乙丙", "A", "")] == ["甲**", "A**", "**"]


def test_register_of_before(database: dict[str, Any], tmp_path: Any) -> None:
    """People of before are found too, and the step may find nobody."""
    engine = engine_of(database, tmp_path / "old.db", "names")
    for name in ("甲乙", None):
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE IF EXISTS persons"))
            connection.execute(text("CREATE TABLE persons (id TEXT, name TEXT)"))
            if name:
                connection.execute(
                    text("INSERT INTO persons VALUES ('1', :name)"), {"name": name}
                )
            found_by_name(connection)
            rows = connection.execute(text("SELECT search FROM persons")).all()
        assert [row[0] for row in rows] == ([search_key(name)] if name else [])
    engine.dispose()
