"""Pages of the documentation: their links, and that another language has what the English one has."""

from pathlib import Path
import re

import pytest

from scripts import build_docs

ROOT = build_docs.ROOT
DOCS = build_docs.DOCS
PROSE = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
ENGLISH_ONLY = set(build_docs.SITE["english_only"])
TRANSLATED = [
    (page, language)
    for language in build_docs.LANGUAGES
    for page in build_docs.listed()
    if language != build_docs.DEFAULT and page not in ENGLISH_ONLY
]
#: Generated from the models of other projects, and for the English page alone.
_GENERATED = re.compile(r"<!-- coverage: begin -->.*?<!-- coverage: end -->", re.DOTALL)


def shape(text: str) -> dict[str, int]:
    """Return how many headings, lines of tables, items and examples a page has."""
    text = _GENERATED.sub("", text)
    return {
        kind: len(re.findall(pattern, text, re.MULTILINE))
        for kind, pattern in {
            "headings": r"^#+ ",
            "lines of tables": r"^\|",
            "items of lists": r"^ *(?:[-*]|\d+\.) ",
            "examples": r"^ *```\w",
        }.items()
    }


@pytest.mark.parametrize(("page", "language"), TRANSLATED)
def test_page_is_translated(page: str, language: str) -> None:
    """A page in another language has what the English one has."""
    path = DOCS / language / f"{page}.md"
    assert path.exists(), f"translate docs/{page}.md"
    english = (DOCS / f"{page}.md").read_text("utf-8")
    assert shape(path.read_text("utf-8")) == shape(english)


def figures(text: str) -> set[str]:
    """Return the numbers of a page; where their digits are grouped is a matter of style."""
    found = re.findall(r"\d(?:[\d,.]*\d)?", _GENERATED.sub("", text))
    return {number.replace(",", "") for number in found}


@pytest.mark.parametrize(("page", "language"), TRANSLATED)
def test_figures_are_the_same(page: str, language: str) -> None:
    """What is changed in English, such as a limit, is changed in another language too."""
    there = figures((DOCS / language / f"{page}.md").read_text("utf-8"))
    assert sorted(figures((DOCS / f"{page}.md").read_text("utf-8")) - there) == []


@pytest.mark.parametrize("language", list(build_docs.LANGUAGES)[1:])
def test_nothing_is_left_of_a_page(language: str) -> None:
    """Another language has no page that English has not, or that is said to be in English."""
    own = {path.stem for path in (DOCS / language).glob("*.md")}
    assert own == set(build_docs.listed()) - ENGLISH_ONLY


@pytest.mark.parametrize("path", PROSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    """Each link to a file leads to one, also on GitHub."""
    assert [
        name for name, target in build_docs.links(path) if not target.exists()
    ] == []
