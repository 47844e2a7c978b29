"""Who may know whom: the layers of Community Safety point one way."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "custom_components/community_safety"
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): (
        path
    )
    for path in sorted(ROOT.rglob("*.py"))
}
#: From below to above; a file at the root that is not named is of the third.
LAYERS = (
    ("const", "localization", "catalogue"),
    ("core",),
    ("gateways",),
    ("entities, actions and flows",),
    ("__init__",),
)
RANKS = {name: rank for rank, names in enumerate(LAYERS) for name in names}
ENTITIES = RANKS["entities, actions and flows"]
#: What is below `gateways`: a transport each, and what they share.
GATEWAYS = [name for name in MODULES if name.rpartition(".")[0] == "gateways"]
TRANSPORTS = [name for name in GATEWAYS if (ROOT / name.replace(".", "/")).is_dir()]
#: What must not be imported, although the layer would allow it: by whom, and what.
APART = [
    *((name, other) for name in GATEWAYS for other in TRANSPORTS if other != name),
    ("gateways.zigbee.devices", "gateways.zigbee.host"),
]


def imports(module: str) -> Iterator[str]:
    """Yield the modules of the integration that one imports, for typing or at run time."""
    path = MODULES[module]
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            name = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            # `from . import name` may name a module.
            inner = [f"{name}.{row.name}".strip(".") for row in node.names]
            found = [row for row in inner if row in MODULES]
            yield from found or [name]


def rank(module: str) -> int:
    """Return the layer of a module."""
    return RANKS.get(module.partition(".")[0] or "__init__", ENTITIES)


def is_in(module: str, package: str) -> bool:
    """Return if a module is a package, or in it."""
    return module == package or module.startswith(f"{package}.")


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    """Nobody knows of a layer above, not even for typing."""
    assert [name for name in imports(module) if rank(name) > rank(module)] == []


@pytest.mark.parametrize(("package", "forbidden"), APART)
def test_what_is_kept_apart(package: str, forbidden: str) -> None:
    """Transports do not know each other, nor what a device is the radio that it is behind."""
    assert [
        (module, name)
        for module in MODULES
        if is_in(module, package)
        for name in imports(module)
        if is_in(name, forbidden)
    ] == []


@pytest.mark.parametrize("layer", ["catalogue", "core"])
def test_no_circle(layer: str) -> None:
    """Inside a layer too, who is imported does not import back, however far around."""
    known = {
        module: {name for name in imports(module) if is_in(name, layer)} - {layer}
        for module in MODULES
        if is_in(module, layer)
    }
    while free := {module for module, names in known.items() if not names & {*known}}:
        known = {module: names for module, names in known.items() if module not in free}
    assert known == {}
