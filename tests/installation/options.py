"""A pytest plugin: what the release is installed from, and by which program.

It is named in pyproject.toml: a `conftest.py` is read too late for an option with a path.
"""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a release be tested as it was built, and by the code of HACS."""
    parser.addoption("--zip", help="the release, instead of one of this checkout")
    parser.addoption("--hacs", help="a checkout of hacs/integration to install with")
