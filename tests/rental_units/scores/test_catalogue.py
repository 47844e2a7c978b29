"""A table of criteria: read, refused as a whole with where it is wrong, and never changed."""

import ast
from collections.abc import Iterator
from decimal import Decimal
import json
from pathlib import Path
from typing import Any

from hypothesis import given, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from sqlalchemy import text

from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.scores import const, tree
from custom_components.rental_units.scores.canonical import canonical, number
from custom_components.rental_units.scores.catalogue import (
    Catalogue,
    in_language,
    parse,
)
from custom_components.rental_units.scores.const import Head
from custom_components.rental_units.scores.tree import Tree, TreeError
from custom_components.rental_units.storage.errors import RegisterError
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from tests.rental_units.common import account, audited, call
from tests.rental_units.panel import panel_of
from tests.rental_units.texts import missing

from .common import EXAMPLE, catalogue, table, written


def read(content: str | bytes) -> Catalogue:
    """Return the table that a file says."""
    return parse(Tree.read(content))


def problem(content: str | bytes) -> tuple[str, str]:
    """Return what is wrong with a file, and where."""
    with pytest.raises(TreeError) as caught:
        read(content)
    assert missing([f"exceptions.catalogue_{caught.value.problem}.message"]) == []
    return caught.value.problem, caught.value.placeholders["where"]


def test_example() -> None:
    """What ships says that it is an example, in each language, and has all four heads."""
    found = read(EXAMPLE)
    assert found.is_example
    assert found.base == 100
    assert {row.head for row in found.criteria} == set(Head)
    for language in ("en", "zh-Hans", "zh-Hant"):
        assert all(row.title.get(language) for row in found.criteria)
        assert all(row.title.get(language) for row in found.checks)
    assert in_language(found.name, "zh-Hans") == "评分表示例"
    assert in_language({"zh-Hant": "x"}, "en") == "x"
    assert in_language({}, "en") == ""


def test_the_same_whatever_it_is_written_in() -> None:
    """YAML, JSON and the record of it are one table; another word or point is another one."""
    found = read(EXAMPLE)
    assert read(canonical(found.as_data())) == found
    assert read(json.dumps(found.as_data(), indent=1)).digest == found.digest
    assert read(("\ufeff" + EXAMPLE).encode()).digest == found.digest
    assert read(EXAMPLE.replace("points: 0.5", "points: 0.50")).digest == found.digest
    for before, after in (("points: 0.5", "points: 0.6"), ("Monthly check", "Check")):
        assert read(EXAMPLE.replace(before, after)).digest != found.digest


def changed(path: str, value: Any) -> str:
    """Return the example with another value somewhere; None takes it out."""
    data = table()
    *way, last = path.split(".")
    at: Any = data
    for key in way:
        at = at[int(key) if key.isdecimal() else key]
    if value is None:
        del at[last]
    else:
        at[int(last) if last.isdecimal() else last] = value
    return written(data)


@pytest.mark.parametrize(
    ("path", "value", "wrong", "where"),
    [
        ("name", None, "missing", "name"),
        ("name", {"fr": "x"}, "unknown", "name → fr"),
        ("name", {}, "missing", "name"),
        ("name", " ", "not_text", "name"),
        ("version", "x" * 41, "not_text", "version"),
        ("example", "yes", "not_word", "example"),
        ("first_month", "2027-13", "not_month", "first_month"),
        ("colour", "red", "unknown", "colour"),
        ("heads", ["a"], "not_mapping", "heads"),
        ("heads.main_responsibility", None, "missing", "heads → main_responsibility"),
        ("heads.kitchen", 3, "unknown", "heads → kitchen"),
        ("heads", {str(head): 0 for head in Head}, "missing", "heads"),
        ("most_bonus", -1, "not_number", "most_bonus"),
        ("most_bonus", "1e1", "not_number", "most_bonus"),
        ("most_bonus", True, "not_number", "most_bonus"),
        ("most_bonus", float("nan"), "not_number", "most_bonus"),
        ("criteria", {}, "not_list", "criteria"),
        ("criteria", [], "missing", "criteria"),
        ("criteria.0", "x", "not_mapping", "criteria 1"),
        ("criteria.0.id", "Late!", "not_id", "criteria 1 → id"),
        ("criteria.1.id", "late_response", "twice", "criteria 2 → id"),
        ("criteria.0.head", "kitchen", "not_word", "criteria 1 → head"),
        ("criteria.0.effect", "fine", "not_word", "criteria 1 → effect"),
        ("criteria.0.points", 0, "not_number", "criteria 1 → points"),
        ("criteria.0.points", 0.125, "not_number", "criteria 1 → points"),
        ("criteria.0.points", "many", "not_number", "criteria 1 → points"),
        ("criteria.0.points", [1, 2], "not_fixed", "criteria 1 → points"),
        ("criteria.9.points", [3, 2], "not_range", "criteria 10 → points"),
        ("criteria.9.points", [1], "not_range", "criteria 10 → points"),
        ("criteria.9.points", [1, 2, 3], "too_many", "criteria 10 → points"),
        ("criteria.8.most", None, "uncapped", "criteria 9"),
        ("criteria.0.source.fact", "luck", "not_word", "criteria 1 → source → fact"),
        ("criteria.0.source.seconds", None, "missing", "criteria 1 → source → seconds"),
        (
            "criteria.0.source.seconds",
            1.5,
            "not_number",
            "criteria 1 → source → seconds",
        ),
        (
            "criteria.0.source.severity",
            [],
            "missing",
            "criteria 1 → source → severity",
        ),
        (
            "criteria.0.source.severity",
            ["bad"],
            "not_word",
            "criteria 1 → source → severity 1",
        ),
        (
            "criteria.0.source.hazards",
            ["x"],
            "unknown",
            "criteria 1 → source → hazards",
        ),
        (
            "criteria.2.source.hazards",
            ["../x"],
            "not_id",
            "criteria 3 → source → hazards 1",
        ),
        (
            "criteria.3.source.categories",
            ["tea"],
            "not_word",
            "criteria 4 → source → categories 1",
        ),
        ("criteria.2.source.per", 0, "not_number", "criteria 3 → source → per"),
        ("criteria.6.source.below", 3, "both_edges", "criteria 7 → source → below"),
        (
            "criteria.8.source.per_1000_households",
            True,
            "not_counted",
            "criteria 9 → source → per_1000_households",
        ),
        ("checks.0.day", 32, "not_number", "checks 1 → day"),
        ("checks.1.months", [13], "not_number", "checks 2 → months 1"),
        ("checks.1.id", "monthly_check", "twice", "checks 2 → id"),
        ("ranking", None, "missing", "ranking"),
        ("ranking.least_months", 4, "not_number", "ranking → least_months"),
        ("ranking.red", 3, "not_mapping", "ranking → red"),
        ("ranking.award.double_drop", 1, "not_word", "ranking → award → double_drop"),
    ],
)
def test_wrong_values(path: str, value: Any, wrong: str, where: str) -> None:
    """It is said what is wrong, and where: in the table, and on which line of the file."""
    content = changed(path, value)
    said, place = problem(content)
    assert (said, place.partition(" (L")[0]) == (wrong, where)
    if value is not None:
        line = int(place.partition(" (L")[2].rstrip(")"))
        word = where.rpartition(" → ")[2].rstrip(" 0123456789")
        assert (
            word in content.splitlines()[line - 1]
            or "- " in (content.splitlines()[line - 1])
        )


@pytest.mark.parametrize(
    ("content", "wrong", "where"),
    [
        ("name: !secret admin", "unreadable", "L1"),
        ("x: 1\nname: !include secrets.yaml", "unreadable", "L2"),
        ("name: !!python/object:os.system x", "unreadable", "L1"),
        ("name: &a [x]\nversion: *a", "alias", "L2"),
        ("name: x\nversion: y\nname: z", "twice", "name (L3)"),
        ("name: [x", "unreadable", "L1"),
        ("name: x\n\tversion: y", "unreadable", "L2"),
        ("? [a, b]\n: c", "unreadable", "L1"),
        ("a: 1\n---\nb: 2", "unreadable", "L2"),
        ("[" * 50_000, "unreadable", "–"),
        (b"\xff\xfe", "unreadable", "–"),
        ("\x00", "unreadable", "–"),
        ("", "not_mapping", "–"),
        ("just words", "not_mapping", "– (L1)"),
        ("#" * (const.MOST_BYTES + 1), "too_large", "–"),
    ],
)
def test_no_table_at_all(content: str | bytes, wrong: str, where: str) -> None:
    """What is no table, or means to be something else, is refused: no file is included."""
    assert problem(content) == (wrong, where)


@given(st.text(max_size=300))
def test_whatever_is_sent(content: str) -> None:
    """No text gets further than to be refused in our words."""
    with pytest.raises(TreeError):
        read(content)


@given(st.binary(max_size=300))
def test_whatever_bytes_are_sent(content: bytes) -> None:
    """Nor do bytes."""
    with pytest.raises(TreeError):
        read(content)


@given(
    st.decimals(min_value="0.01", max_value=100, places=2),
    st.decimals(min_value=0, max_value=100, places=2),
)
def test_numbers_are_kept(points: Decimal, most: Decimal) -> None:
    """A number of a table is that very number again, whatever it was written as."""
    data = table(most_bonus=str(most))
    data["criteria"][0]["points"] = float(points)
    found = read(written(data))
    assert (found.criteria[0].points, found.most_bonus) == ((points, points), most)
    again = read(canonical(found.as_data()))
    assert (again, again.digest) == (found, found.digest)
    assert Decimal(number(points)) == points


def problems_in_code() -> Iterator[str]:
    """Yield what may be wrong with a table, as the code names it."""
    for path in Path(tree.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in ("wrong", "TreeError") and isinstance(
                node.args[0], ast.Constant
            ):
                yield str(node.args[0].value)


def test_all_problems_are_said() -> None:
    """Each reason that the code names has its text."""
    found = set(problems_in_code())
    assert len(found) > 15
    assert missing([f"exceptions.catalogue_{row}.message" for row in found]) == []


async def test_saved(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """The community's office saves a table; a wrong one changes nothing, nor a version twice."""
    office = await account(hass, entry, "community_office")
    panel = await panel_of(hass, entry, hass_ws_client, office)
    assert await panel.get("score_catalogue") == {"catalogue": None, "versions": []}
    tried = await panel.get("save_score_catalogue", content=EXAMPLE)
    assert (tried["saved"], tried["catalogue"]["version"]) == (None, "example-1")
    assert (await panel.get("score_catalogue"))["catalogue"] is None
    saved = await panel.get("save_score_catalogue", content=EXAMPLE, dry_run=False)
    shown = await panel.get("score_catalogue")
    assert shown["catalogue"]["digest"] == saved["saved"]["digest"]
    assert shown["catalogue"]["source"] == EXAMPLE
    wrong = EXAMPLE.replace("points: 1\n", "points: -1\n", 1)
    answer = await panel.ask("save_score_catalogue", content=wrong, dry_run=False)
    assert answer["error"]["translation_key"] == "catalogue_not_number"
    assert answer["error"]["translation_placeholders"]["where"].startswith(
        "criteria 4 → points (L"
    )
    other = EXAMPLE.replace("points: 1\n", "points: 2\n", 1)
    assert await panel.refusal(
        "save_score_catalogue", content=other, dry_run=False
    ) == ("catalogue_version_taken")
    # The same again is no other.
    await panel.get("save_score_catalogue", content=EXAMPLE, dry_run=False)
    assert (await panel.get("score_catalogue"))["versions"] == shown["versions"]
    assert len(await audited(entry, "save_score_catalogue")) == 2

    of_entry = {"config_entry_id": entry.entry_id}
    coming = table(first_month="2099-01")
    answer = await call(
        hass, "save_score_catalogue", {**of_entry, "catalogue": coming}, user=office
    )
    assert answer["digest"] == catalogue(first_month="2099-01").digest
    # It is not yet for this month.
    now = await call(hass, "get_score_catalogue", of_entry)
    assert now["catalogue"]["version"] == "example-1"
    then = await call(hass, "get_score_catalogue", {**of_entry, "version": "test-1"})
    assert then["catalogue"]["first_month"] == "2099-01"
    with pytest.raises(ServiceValidationError):
        await call(hass, "get_score_catalogue", {**of_entry, "version": "none"})


async def test_saved_from_a_file(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A file of the folder is read; one that is not there, or a path, is refused."""
    of_entry = {"config_entry_id": entry.entry_id}
    folder = Path(hass.config.path(DOMAIN))
    folder.mkdir(exist_ok=True)
    (folder / "table.yaml").write_text(EXAMPLE, "utf-8")
    answer = await call(
        hass, "save_score_catalogue", {**of_entry, "file": "table.yaml"}
    )
    assert answer["version"] == "example-1"
    for wrong in ({"file": "none.yaml"}, {"catalogue": {"name": "x"}}):
        with pytest.raises(ServiceValidationError):
            await call(hass, "save_score_catalogue", {**of_entry, **wrong})
    for wrong in ({"file": "../secrets.yaml"}, {"file": "x.txt"}, {}):
        with pytest.raises(Exception, match=r"file|at least one"):
            await call(hass, "save_score_catalogue", {**of_entry, **wrong})


async def test_sealed_in_the_database(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Whoever writes past us, the database itself changes no table that was saved."""
    of_entry = {"config_entry_id": entry.entry_id}
    await call(hass, "save_score_catalogue", {**of_entry, "catalogue": table()})
    for statement in (
        "UPDATE score_catalogues SET body = '{}'",
        "DELETE FROM score_catalogues",
    ):
        with pytest.raises(RegisterError) as caught:
            await entry.runtime_data.async_run(
                lambda session, statement=statement: session.execute(text(statement))
            )
        assert caught.value.key == "record_sealed"
    shown = await call(hass, "get_score_catalogue", of_entry)
    assert shown["catalogue"]["digest"] == catalogue().digest
