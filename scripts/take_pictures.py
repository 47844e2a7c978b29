"""Take the pictures of docs/images from the demo that runs: scripts/pictures."""

import asyncio
import io
import json
import subprocess
import sys

from PIL import Image

from simulator.demo.place import REPOSITORY, RUN_FILE, read
from tests.browser.frontend import DESKTOP, PHONE, Frontend, frontend

IMAGES = REPOSITORY / "docs/images"
#: What moves: the page of a building, from before the fire until the power is off.
FRAMES, FRAME_SECONDS, SHOWN_MILLISECONDS = 16, 0.5, 600
MOVING = (900, 620)
UNIT = "1-1-201"


async def shoot(view: Frontend, name: str, seconds: float = 4) -> None:
    """Keep what is on the screen, as small as it is clear."""
    await asyncio.sleep(seconds)
    await view.is_whole()
    shot = Image.open(io.BytesIO(await view.page.screenshot())).convert("RGB")
    shot.save(IMAGES / f"{name}.webp", quality=80, method=6)


async def fire(view: Frontend) -> None:
    """Let it burn, and keep what the page shows meanwhile."""
    await view.open("/community-safety/building-1")
    await asyncio.sleep(4)
    event = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator.demo", "smoke", UNIT, "--answer", "push"),
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
    )
    frames = []
    for _ in range(FRAMES):
        frames.append(Image.open(io.BytesIO(await view.page.screenshot())))
        await asyncio.sleep(FRAME_SECONDS)
    frames[0].save(
        IMAGES / "alarm.webp",
        save_all=True,
        append_images=frames[1:],
        duration=SHOWN_MILLISECONDS,
        loop=0,
        quality=60,
        method=6,
    )
    await event.wait()


async def main(chromium: str) -> None:
    """Take all of them."""
    run = read(RUN_FILE)
    profile = RUN_FILE.parent / "browser"
    IMAGES.mkdir(exist_ok=True)
    async with frontend(chromium, profile, run, size=MOVING) as view:
        await fire(view)
    async with frontend(chromium, profile, run, size=DESKTOP) as view:
        await view.open("/community-safety/overview")
        await shoot(view, "overview")
        await view.open("/config/automation/edit/demo_smoke_response")
        await shoot(view, "automation")
        await view.open("/config/devices/dashboard?domain=community_safety")
        await shoot(view, "devices")
    async with frontend(chromium, profile, run, scheme="dark", size=PHONE) as view:
        await view.open("/community-safety/overview")
        await shoot(view, "phone")
    print(json.dumps(sorted(path.name for path in IMAGES.iterdir())))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
