"""Tables of criteria for tests."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from custom_components.rental_units import scores
from custom_components.rental_units.scores.catalogue import Catalogue, parse
from custom_components.rental_units.scores.tree import Tree

EXAMPLE = (Path(scores.__file__).parent / "example.yaml").read_text("utf-8")


def table(**changed: Any) -> dict[str, Any]:
    """Return the example as plain data, with other values for some of its keys."""
    found: dict[str, Any] = deepcopy(yaml.safe_load(EXAMPLE))
    return found | {"version": "test-1", **changed}


def written(data: Any) -> str:
    """Return a table as somebody would write it."""
    text: str = yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
    return text


def catalogue(**changed: Any) -> Catalogue:
    """Return a table of criteria."""
    return parse(Tree.read(written(table(**changed))))
