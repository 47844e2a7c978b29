"""What cameras take for one another is found, and not everything else with it."""

import pytest

from custom_components.rental_units.sightings import plates


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        ("浙A0T1K9", "浙AOTIK9"),
        ("浙a·0t1k9", "浙A0T1K9"),
        ("浙Ａ０Ｔ１Ｋ９", "浙A0T1K9"),
        ("A0T1K9", "浙A0T1K9"),
        # The province is what is read wrong most.
        ("浙A0T1K9", "沪A0T1K9"),
        ("AOTIK9", "A0T1K9"),
        ("粤Z1234港", "粤ZI234港"),
    ],
)
def test_alike(wanted: str, seen: str) -> None:
    """A plate is found by what it may be taken for."""
    assert plates.is_wanted(wanted)
    assert not plates.is_open(wanted)
    assert plates.folded(wanted) == plates.folded(seen)


@pytest.mark.parametrize(
    ("wanted", "seen", "fits"),
    [
        ("浙A0T?K9", "浙AOT1K9", True),
        ("*T1K9", "浙A0T1K9", True),
        ("A0T*", "浙A0T1K9", True),
        ("?A0T1K9", "浙A0T1K9", True),
        ("？A０T1＊", "浙A0T1K9", True),
        ("A0T?9", "浙A0T1K9", False),
        ("*T1K", "浙A0T1K9", False),
        ("A0T1K8", "浙A0T1K9", False),
        # A dot of a pattern's own is no wildcard.
        ("A.T*9", "浙A0T1K9", False),
    ],
)
def test_with_gaps(wanted: str, seen: str, fits: bool) -> None:
    """What is not known may be anything; what is known must be so."""
    assert plates.finds(wanted)(seen) is fits


@pytest.mark.parametrize("text", ["", "*", "浙A*", "?0?", "A(T1K9", "浙A0T1K9浙A0T1K9"])
def test_too_little_is_no_plate(text: str) -> None:
    """Nobody is shown a list of all plates."""
    assert not plates.is_wanted(text)


@pytest.mark.parametrize(
    ("text", "end"), [("浙A0T1K9", "1K9"), ("A0TI*", ""), ("A*O1", "01"), ("*", "")]
)
def test_certain_end(text: str, end: str) -> None:
    """What is looked up first is what is certain."""
    assert plates.ending(text, 3) == end
