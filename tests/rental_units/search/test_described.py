"""Somebody without a card or plate is found by what cameras tell of how they look."""

import base64
import csv
import io
import json
from pathlib import Path
from typing import Any

from custom_components.community_safety.core.passages import AgeGroup, Colour
from custom_components.community_safety.gateways.protocol import SCHEMA
from custom_components.rental_units import const
from custom_components.rental_units.const import LANGUAGES
from custom_components.rental_units.search.const import LOOKS
from custom_components.rental_units.search.pictures import MOST_LINKS, Links, Shot
from custom_components.rental_units.search.texts import texts
from homeassistant.core import HomeAssistant
from tests.rental_units.panel import Panel

from .conftest import CARD, Open, Street, plate

TRANSLATIONS = Path(const.__file__).with_name("translations")
RED_CHILD = {"colour": "red", "age_group": "child"}


async def test_without_a_class(
    hass: HomeAssistant, street: Street, panel: Panel, opened: Open
) -> None:
    """A colour alone is enough, an age is a person's; what a door has noticed has no looks."""
    await street.see("School", CARD)
    await street.see("School", category="person", attributes=RED_CHILD)
    await street.see("Shop", **plate(), category="car", attributes={"colour": "red"})
    await street.see("Shop", category="car")
    await street.see("East gate", category="person", attributes={"colour": "red"})
    case = await opened(subject="MARK-CHILD")

    async def look(**said: Any) -> tuple[list[str], int]:
        found = await panel.get("search_sightings", case_id=case, **said)
        places = [row["where"]["name"] for row in found["sightings"]]
        return places, found["untold"]

    assert await look(colour="red") == (["East gate 1", "Shop 1", "School 1"], 1)
    assert (await look(colour="red", untold=True))[0] == [
        "East gate 1",
        "Shop 1",
        "Shop 1",
        "School 1",
    ]
    assert await look(age_group="child") == (["School 1"], 1)
    assert await look(age_group="child", untold=True) == (
        ["East gate 1", "School 1"],
        0,
    )
    # What is told otherwise is not them, whatever else is not told.
    assert await look(colour="blue", age_group="child", untold=True) == ([], 0)
    school = [[street.doors["School"], None]]
    assert await look(colour="red", places=school) == (["School 1"], 0)


async def test_nobody_has_to_have_a_card(
    street: Street, panel: Panel, opened: Open
) -> None:
    """Who is of the register is looked for by how they look, and not by their cards, if that is said."""
    await street.see("School", category="person", attributes=RED_CHILD)
    case = await opened(subject="MARK-CHILD", plate="浙A0T1K9")
    found = await panel.get("search_sightings", case_id=case, colour="red")
    assert len(found["sightings"]) == 1


async def test_words(street: Street, panel: Panel, opened: Open) -> None:
    """Files say them in the reader's language; what no camera of ours says is shown as it came."""
    await street.see("School", category="person", attributes=RED_CHILD)
    await street.see("School", category="van", attributes={"colour": "teal"})
    case = await opened(subject="MARK-CHILD")
    shown = await panel.get("search_case", case_id=case)
    assert shown["words"]["age_group"] == ["child", "teenager", "adult", "elderly"]
    school = [[street.doors["School"], None]]
    look = await panel.get("search_sightings", case_id=case, places=school)
    assert [row["category"] for row in look["sightings"]] == ["van", "person"]
    given = await panel.get(
        "export_search",
        case_id=case,
        deed_id=look["deed_id"],
        format="csv",
        language="zh-Hans",
    )
    text = base64.b64decode(given["content"]).decode("utf-8-sig")
    rows = [
        row
        for row in csv.reader(io.StringIO(text))
        if row and row[-1] == given["receipt"]
    ]
    assert [row[7:10] for row in rows[-2:]] == [
        ["van", "teal", ""],
        ["人员", "红色", "儿童"],
    ]


def test_words_are_those_of_cameras() -> None:
    """The register knows what Community Safety may tell, and says it in every language."""
    told = json.loads(SCHEMA.read_text("utf-8"))["definitions"]["passage"]["properties"]
    for key, words in (("colour", Colour), ("age_group", AgeGroup)):
        assert set(LOOKS[key]) == set(words) == set(told[key]["enum"])
    for language in LANGUAGES:
        for key, known in LOOKS.items():
            assert texts(language)[key].keys() == set(known)


def test_files_and_panel_say_the_same() -> None:
    """What a file calls a colour, the panel and its forms call it too: their lists are two."""
    different = []
    for language in LANGUAGES:
        path = TRANSLATIONS / f"{language}.json"
        chosen = json.loads(path.read_text("utf-8"))["selector"]
        for key, words in LOOKS.items():
            files = texts(language)[key]
            panel = chosen[f"search_{key}"]["options"]
            different += [
                (language, key, word, files.get(word), panel.get(word))
                for word in sorted({*words, *files, *panel})
                # A list begins with a capital letter, and a cell of a file does not.
                if word not in files
                or files[word].lower() != panel.get(word, "").lower()
            ]
    assert different == []


def test_links_fill_no_memory() -> None:
    """Of more than anybody follows, the oldest are forgotten."""
    links = Links()
    shots = [Shot("case", "deed", "camera", "1", f"sight {n}") for n in range(150)]
    tokens = [links.issue(shot, "user") for shot in shots]
    assert links.take(tokens[0], "user") is None
    assert links.take(tokens[-1], "user") == shots[-1]
    assert len(links._links) == MOST_LINKS - 1
