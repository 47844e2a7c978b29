"""Take the pictures of docs/images from the demo that runs, in its language: scripts/pictures."""

import asyncio
import io
import subprocess
import sys

from PIL import Image

from simulator.demo.place import REPOSITORY, RUN_FILE, STATE_FILE, read
from tests.browser.frontend import DESKTOP, PHONE, Frontend, frontend

IMAGES = REPOSITORY / "docs/images"
#: The pages that are shown: where each is, and what is there once it is drawn.
ROOM = ("/safety", "cs-now li, cs-now .nothing")
MAP = ("/safety/map", "cs-map .tile")
BLUEPRINT = (
    "/config/automation/edit/demo_smoke_response",
    "blueprint-automation-editor ha-selector",
)
PAGES = (ROOM, MAP, BLUEPRINT)
#: What moves: the control room, from before the fire until the power is off.
FRAMES, FRAME_SECONDS, SHOWN_MILLISECONDS = 16, 0.5, 600
MOVING = (1280, 640)
#: What else is wrong in the pictures that stand still.
MORE = ("tank-low", "hydrant-low")


async def go(view: Frontend, page: tuple[str, str], seconds: float = 4) -> None:
    """Open a page, and let what moves on it come to rest."""
    path, drawn = page
    await view.open(path)
    await view.page.locator(drawn).first.wait_for()
    await asyncio.sleep(seconds)


async def shot(view: Frontend) -> Image.Image:
    """Return what is on the screen."""
    return Image.open(io.BytesIO(await view.page.screenshot())).convert("RGB")


async def happen(*event: str) -> None:
    """Let something happen in the demo."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator.demo", *event),
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
    )
    if await process.wait():
        sys.exit(f"{event} failed: is it the first time since the demo was set up?")


async def burn(view: Frontend) -> list[Image.Image]:
    """Let it burn, and return what the control room shows meanwhile."""
    await go(view, ROOM)
    fire = asyncio.create_task(happen("smoke", "1-1-201", "--answer", "push"))
    frames = []
    for _ in range(FRAMES):
        frames.append(await shot(view))
        await asyncio.sleep(FRAME_SECONDS)
    await fire
    return frames


async def main(chromium: str) -> None:
    """Take all of them."""
    run, language = read(RUN_FILE), read(STATE_FILE)["language"]
    folder = IMAGES if language == "en" else IMAGES / language
    folder.mkdir(exist_ok=True)
    profile = RUN_FILE.parent / "browser"

    async def still(view: Frontend, name: str, page: tuple[str, str]) -> None:
        await go(view, page)
        await view.is_whole()
        picture = await shot(view)
        picture.save(folder / f"{name}.webp", quality=80, method=6)

    async with frontend(chromium, profile, run, language=language, size=MOVING) as view:
        frames = await burn(view)
        frames[0].save(
            folder / "alarm.webp",
            save_all=True,
            append_images=frames[1:],
            duration=SHOWN_MILLISECONDS,
            loop=0,
            quality=60,
            method=6,
        )
    for event in MORE:
        await happen(event)
    async with frontend(
        chromium, profile, run, language=language, size=DESKTOP
    ) as view:
        await still(view, "overview", ROOM)
        await still(view, "map", MAP)
        await still(view, "automation", BLUEPRINT)
    async with frontend(
        chromium, profile, run, language=language, scheme="dark", size=PHONE
    ) as view:
        await still(view, "phone", ROOM)
    print(*sorted(str(path) for path in folder.glob("*.webp")), sep="\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
