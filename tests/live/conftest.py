"""The demo that the tests of the register, of places and of reports have in common."""

from collections.abc import Generator

import pytest
import pytest_socket

from .demo import Demo


@pytest.fixture(scope="session")
def property_demo(tmp_path_factory: pytest.TempPathFactory) -> Generator[Demo]:
    """Return one demo for all of them; they are of one group of xdist."""
    # Each test's set-up closes the sockets anew.
    pytest_socket.enable_socket()
    demo = Demo(tmp_path_factory.mktemp("property") / "demo", "en")
    try:
        yield demo
    finally:
        assert demo.stop() == 0
