"""One English text has one translation: people meet the same word for the same thing."""

from collections import defaultdict

import pytest

from .test_repository import ROOT, read_json, texts

#: Texts that mean two things: the name of a property or of a person; an address or a
#: channel; a kind of alert or its words.
TWO_MEANINGS = {"Email", "Enter a name.", "Message", "Name"}


@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant"])
@pytest.mark.parametrize("integration", ["community_safety", "rental_units"])
def test_translated_once(integration: str, language: str) -> None:
    """What is said in several places is translated in the same words in each."""
    folder = ROOT / "custom_components" / integration / "translations"
    said = dict(texts(read_json(folder / f"{language}.json")))
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for key, text in texts(read_json(folder / "en.json")):
        found[text][said[key]].append(key)
    assert {
        text: dict(ways)
        for text, ways in found.items()
        if len(ways) > 1 and text not in TWO_MEANINGS
    } == {}
