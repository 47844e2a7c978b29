"""Who may know whom: the layers of the register point one way."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "custom_components" / "rental_units"
FILES = sorted(ROOT.rglob("*.py"))
#: What people and automations come in by, above every folder.
DOORS = {
    *("access", "actions", "forms", "services", "entity", "repairs", "websocket"),
}
#: Features beside the register.
FEATURES = (
    *("access_control", "alerts", "care", "desk", "places", "reports", "scores"),
    *("search", "sightings"),
)
#: What a folder must not import, however it is written.
FORBIDDEN = {
    "public": {"storage", "register", "app", *FEATURES, "transfer", *DOORS},
    "storage": {"public", "app", "register", *FEATURES, "transfer", *DOORS},
    "register": {"public", "app", *FEATURES, "transfer", *DOORS},
    "access_control": {
        *("public", "app", "alerts", "care", "desk", "places", "reports", "scores"),
        *("search", "sightings", "transfer", *DOORS),
    },
    "alerts": {"care", "desk", "scores"},
    "care": {
        *("public", "app", "desk", "places", "reports", "scores", "search"),
        *("transfer", *DOORS),
    },
    "desk": {
        *("public", "app", "access_control", "alerts", "care", "scores", "search"),
        *("sightings", "transfer", *DOORS),
    },
    "places": {
        "access_control",
        "care",
        "desk",
        "reports",
        "scores",
        "search",
        "sightings",
        "transfer",
        *DOORS,
    },
    "reports": {
        "access_control",
        "app",
        "care",
        "desk",
        "scores",
        "search",
        "sightings",
        "transfer",
        *DOORS,
    },
    "scores": {"app", "alerts", "care", "search", "sightings", "transfer", *DOORS},
    "search": {
        *("public", "app", "care", "desk", "reports", "scores", "transfer", *DOORS),
    },
    "sightings": {
        *("public", "app", "alerts", "care", "desk", "places", "reports", "scores"),
        *("search", "transfer"),
        *DOORS,
    },
    "app": {"transfer", *DOORS},
}
#: Features, which have tables, and what carries out commands.
WITH_SESSIONS = ("storage", "register", *FEATURES, "app", "transfer")
#: What the features take to the database with.
SESSIONS = {"async_run", "async_read"}
#: Reads of figures alone, by who shows them.
FIGURES = {
    "calendar.py": "lease_ends",
    "diagnostics.py": "counts",
}


def name_of(path: Path) -> str:
    """Return a file's name inside the integration."""
    return str(path.relative_to(ROOT))


def imports(path: Path) -> Iterator[str]:
    """Return the modules of the integration that a file imports, by their first part."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*package][: len(package) - node.level + 1]
            names = [node.module] if node.module else [row.name for row in node.names]
            yield from ([*base, *name.split(".")][0] for name in names)
        elif isinstance(node, ast.ImportFrom):
            *ours, name = (node.module or "").split(".")[:3]
            yield from [name] if ours == ["custom_components", ROOT.name] else []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_point_one_way(path: Path) -> None:
    """Storage knows no feature, the register no alert, and the application no door.

    What is public knows nothing of whose it is.
    """
    folder = path.relative_to(ROOT).parts[0]
    allowed = {"schema.py": {"alerts"}}.get(path.name, set())
    assert set(imports(path)) & (FORBIDDEN.get(folder, set()) - allowed) == set()


def module_of(path: Path) -> str:
    """Return the dotted name of a module inside the integration; empty for the whole."""
    *folders, name = path.relative_to(ROOT).with_suffix("").parts
    return ".".join([*folders, name] if name != "__init__" else folders)


def at_run_time(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a module, but for those that are there for types alone."""
    if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from at_run_time(child)


def test_no_circle() -> None:
    """Who is imported does not import back, however far around."""
    paths = {module_of(path): path for path in FILES}
    known: dict[str, set[str]] = {}
    for module, path in paths.items():
        package, found = path.relative_to(ROOT).parts[:-1], set[str]()
        for node in at_run_time(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = [*package][: len(package) - node.level + 1]
                base += node.module.split(".") if node.module else []
                for row in node.names:
                    name = ".".join([*base, row.name])
                    found.add(name if name in paths else ".".join(base))
        known[module] = found - {module}
    assert known["alerts.manager"] >= {"alerts.services", "alerts.views"}
    while free := {row for row, names in known.items() if not names & {*known}}:
        known = {row: names for row, names in known.items() if row not in free}
    assert known == {}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_nobody_else_opens_a_session(path: Path) -> None:
    """Forms, actions, pages and entities call commands; they do not write themselves."""
    tree = ast.parse(path.read_text("utf-8"))
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    inside = path.relative_to(ROOT).parts[0] in WITH_SESSIONS
    assert inside or name_of(path) in FIGURES or not called & SESSIONS


def test_the_doors_open_no_transaction_that_writes() -> None:
    """Those that read figures only read."""
    for name in FIGURES:
        assert "async_run" not in (ROOT / name).read_text("utf-8")
