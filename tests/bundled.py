"""A bundle as a release has it, and disks that refuse it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import os
from pathlib import Path
import resource

import pytest

from scripts.packaging import Files, contents

#: Where Linux lets nobody write, not even root.
READ_ONLY = Path("/sys/kernel")


def write_files(folder: Path, files: Files) -> None:
    """Write files below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def files_of(folder: Path) -> Files:
    """Return what is below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def bundle_of_release(folder: Path) -> Path:
    """Write the bundle of this version into a folder, and return where it is."""
    write_files(
        folder,
        {name: row for name, row in contents().items() if name.startswith("bundled/")},
    )
    return folder / "bundled"


@contextmanager
def full_disk(most: int) -> Iterator[None]:
    """Let no file become longer than so many bytes: the kernel refuses what follows."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class PowerCut(BaseException):
    """The power is cut: nothing that follows is done, not even tidying up."""


@contextmanager
def power_cut(number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Cut the power at the `number`th step from 0 that changes the disk.

    Raises PowerCut, unless there are fewer steps.
    """
    steps = 0

    def cut(do: Callable[..., object]) -> Callable[..., object]:
        def step(*args: object, **kwargs: object) -> object:
            nonlocal steps
            if steps >= number:
                raise PowerCut
            steps += 1
            return do(*args, **kwargs)

        return step

    with monkeypatch.context() as patch:
        for name in ("mkdir", "rename", "rmdir", "unlink", "fsync"):
            patch.setattr(os, name, cut(getattr(os, name)))
        yield
