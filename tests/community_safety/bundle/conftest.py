"""A bundle, where the integration looks for it."""

from pathlib import Path

import pytest

from custom_components.community_safety.bundle import folder
from tests.bundled import bundle_of_release


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a bundle of this version."""
    bundled = bundle_of_release(tmp_path / "release")
    monkeypatch.setattr(folder, "BUNDLED", bundled)
    return bundled
