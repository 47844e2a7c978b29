"""From a sheet of labels to a hazard that is mended: in real browsers, before the whole demo.

The codes are read from what is on the screen. A phone runs no script and has no account,
except the police's.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus
from io import BytesIO
import json
import re

from PIL import Image, ImageChops, ImageStat
from playwright.async_api import Browser, Locator, Page, expect
import pytest
import zxingcpp

from simulator.demo.home_assistant import HomeAssistant
from simulator.demo.setup import FIRST_CARD, LANDLORDS_UNIT, POLICE, POLICE_PASSWORD
from simulator.residents import RESIDENTS
from simulator.scanning import corridor
from tests.rental_units.reports.pictures import COMMENT, MAKER, PLACE, photo

from .demo import Demo
from .test_panel import AXE, LEAST, PATIENCE, PHONE, browser, panel, story
from .test_register_panel import demo, everybody_can

__all__ = ["browser", "demo", "story"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    # The demo of the register's tests serves these too.
    pytest.mark.xdist_group("register"),
]

STAIRWELL = "Building 1, stairwell 1"
TENANT = next(row for row in RESIDENTS if row.id == f"{LANDLORDS_UNIT}-tenant-1")
#: The most that a page behind a plate may be, in bytes.
MOST_BYTES = 30_000
#: What Home Assistant is asked to log: each request that it serves, and all that we do.
LOGS = (
    "homeassistant.helpers.http",
    "homeassistant.components.http",
    "aiohttp",
    "custom_components.rental_units",
)
#: As AXE_RUN and SMALL, of a page that is ours as a whole.
AXE_PAGE = """() => axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
  elementRef: false}).then((result) => result.violations.flatMap((rule) => rule.nodes
  .map((node) => `${rule.id}: ${JSON.stringify(node.target)} ${node.failureSummary}`)))"""
SMALL_ON_PAGE = """(least) => [...document.querySelectorAll("a, button, select, textarea, input, label.tick")]
  .filter((element) => !element.matches("[type=hidden], [type=checkbox]"))
  .map((element) => [element.textContent.trim(), element.getBoundingClientRect()])
  .filter(([, { width, height }]) => width < least || height < least)
  .map(([text, { width, height }]) => `${text} ${width}x${height}`)"""
#: The addresses of plates, by the demo and what is on their labels.
_PLATES: dict[str, dict[str, str]] = {}


@asynccontextmanager
async def phone(
    browser: Browser, *, looked_at: bool = False, dark: bool = False
) -> AsyncGenerator[Page]:
    """Return the browser of somebody's phone; no script runs, but what looks for faults."""
    width, height = PHONE
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        is_mobile=True,
        has_touch=True,
        locale="zh-CN",
        color_scheme="dark" if dark else "light",
        java_script_enabled=looked_at,
        # The pages let no script in, not even that.
        bypass_csp=looked_at,
    )
    context.set_default_timeout(PATIENCE)
    yield await context.new_page()
    await context.close()


async def anybody_can(page: Page, what: str) -> None:
    """Check fingers, that nothing is to scroll sideways, and what axe finds."""
    await page.add_script_tag(path=str(AXE))
    width = "document.documentElement.scrollWidth <= window.innerWidth"
    assert await page.evaluate(width), what
    assert await page.evaluate(SMALL_ON_PAGE, LEAST) == [], what
    assert await page.evaluate(AXE_PAGE) == [], what


@pytest.fixture
async def home(demo: Demo, socket_enabled: None) -> AsyncGenerator[HomeAssistant]:
    """Return the demo's Home Assistant, which logs what it serves meanwhile."""
    run = json.loads((demo.config.parent / "run.json").read_text())
    async with HomeAssistant(run["port"], run["token"]) as home:
        await home.connect()
        await home.action("logger.set_level", **dict.fromkeys(LOGS, "debug"))
        yield home
        await home.action("logger.set_level", **dict.fromkeys(LOGS, "warning"))


@pytest.fixture
async def secrets(demo: Demo, home: HomeAssistant) -> AsyncGenerator[set[str]]:
    """Return what has to be told of nothing that is logged."""
    secrets: set[str] = set()
    yield secrets
    log = (demo.config / "home-assistant.log").read_text("utf-8")
    # It would be there.
    assert re.search(r"Serving /\S+ to ", log)
    assert secrets
    assert [secret for secret in secrets if secret in log] == []


@pytest.fixture
async def plates(
    browser: Browser, demo: Demo, secrets: set[str]
) -> AsyncGenerator[dict[str, str]]:
    """Return the addresses on the plates of a stairwell and two flats, printed once."""
    key = str(demo.config)
    if key not in _PLATES:
        _PLATES[key] = await print_plates(
            browser, demo, STAIRWELL, LANDLORDS_UNIT, "1-1-202"
        )
    secrets.update(map(token_of, _PLATES[key].values()))
    yield _PLATES[key]
    secrets.update(map(token_of, _PLATES[key].values()))


def token_of(address: str) -> str:
    """Return the last part of an address, which is the secret one."""
    return address.rpartition("/")[2]


async def print_plates(browser: Browser, demo: Demo, *names: str) -> dict[str, str]:
    """Print plates in the panel; return what a phone reads from each, by its name."""
    async with panel(browser, demo, path="/places") as page:
        for name in names:
            box = page.locator("cs-places").get_by_role("checkbox", name=name)
            await box.and_(page.get_by_label(name, exact=True)).check()
        button = page.locator("cs-places [data-do=print_codes] button")
        await button.click()
        # The demo has printed them once.
        await expect(button).to_contain_text(
            re.compile(r"void|not valid", re.IGNORECASE)
        )
        await button.click()
        labels = page.frame_locator("cs-print iframe").locator(".label")
        await expect(labels).to_have_count(len(names))
        await everybody_can(page, "labels")
        found = {
            await label.locator("strong").inner_text(): await read(label)
            for label in await labels.all()
        }
        await (
            page.locator("cs-print dialog").get_by_role("button", name="Close").click()
        )
        await expect(page.locator("cs-print")).to_have_count(0)
    assert sorted(found) == sorted(names)
    return found


async def read(label: Locator) -> str:
    """Return what the code on a label says, as it is on the screen."""
    with Image.open(BytesIO(await label.screenshot())) as picture:
        code = zxingcpp.read_barcode(picture)
    assert code is not None
    return code.text


async def test_who_scans_a_plate_is_told_whom_to_call(
    browser: Browser, plates: dict[str, str]
) -> None:
    """Without a script and a log-in: where one is, the station, 119 and 110; nobody's name."""
    assert len({*map(token_of, plates.values())}) == len(plates)
    for name, address in plates.items():
        async with phone(browser) as page:
            answer = await page.goto(address)
            assert answer
            assert answer.status == HTTPStatus.OK
            assert len(await answer.body()) < MOST_BYTES
            said = await page.locator("body").inner_text()
            where = "stairwell 1"
            if name != STAIRWELL:
                where += f", unit {name.rpartition('-')[2]}"
            assert where in said.partition("标准地址")[2]
            assert "Xingqiao police station" in said
            for number in ("119", "110"):
                call = page.locator(f"a[href='tel:{number}']")
                await expect(call).to_be_in_viewport()
            assert await page.context.cookies() == []
            for row in RESIDENTS:
                assert row.names[0] not in said
                assert row.number not in said
    for dark in (False, True):
        async with phone(browser, looked_at=True, dark=dark) as page:
            for more in ("", "/report", "/resident"):
                await page.goto(plates[LANDLORDS_UNIT] + more)
                await anybody_can(page, more)


async def test_a_hazard_until_it_is_mended_and_confirmed(
    browser: Browser, demo: Demo, plates: dict[str, str], secrets: set[str]
) -> None:
    """A photo of an iPhone from a door, its triage, the resident who is shown it, and both ends."""
    async with phone(browser) as page:
        await page.goto(plates[LANDLORDS_UNIT])
        await page.get_by_role("link", name="上报隐患").click()
        await expect(page.locator("a[href='tel:119']")).to_be_in_viewport()
        await page.get_by_label("是什么隐患").select_option("escape_route")
        await page.get_by_label("用一句话说明").fill("门前堆满纸箱")
        sent = corridor(is_clear=False)
        await page.get_by_label("照片").set_input_files(
            {
                "name": "IMG_0001.HEIC",
                "mimeType": "image/heic",
                "buffer": photo("heif", sent),
            }
        )
        await page.get_by_role("button", name="提交").click()
        await expect(page.get_by_role("heading", name="您的上报")).to_be_visible()
        assert re.search(r"/api/h/[0-9a-f]{32}$", page.url)
        secrets.add(token_of(page.url))
        await expect(page.locator("body")).to_contain_text("已收到")
        (before,) = await pictures(page)
        shown = before.resize(sent.size)
        assert max(ImageStat.Stat(ImageChops.difference(shown, sent)).mean) < 10

        await resident_sees_it(browser, demo, plates[LANDLORDS_UNIT], secrets)
        receipt = page.url
        async with panel(browser, demo, path="/reports") as desk:
            row = desk.locator("cs-reports li").filter(has_text=LANDLORDS_UNIT)
            await row.get_by_role("link").click()
            report = desk.locator("cs-report")
            await expect(report.locator("figure img")).to_have_count(1)
            # It is at its place, too.
            await report.get_by_role("link", name=LANDLORDS_UNIT).click()
            row = desk.locator("cs-place [data-report]")
            await expect(row).to_contain_text("Received")
            await row.get_by_role("link", name="Escape route blocked").click()
            await report.locator("[name=party]").select_option("property")
            await report.locator("[data-do=assign]").click()
            await expect(report.get_by_role("status")).to_contain_text("Saved")
            await page.reload()
            await expect(page.locator("body")).to_contain_text("处理中")

            mended = BytesIO()
            corridor(is_clear=True).save(mended, "JPEG", comment=COMMENT)
            await report.locator("[name=photos]").set_input_files(
                {
                    "name": "after.jpg",
                    "mimeType": "image/jpeg",
                    "buffer": mended.getvalue(),
                }
            )
            await report.locator("[data-do=mend]").click()
            await expect(report.locator("figure img")).to_have_count(2)

        await page.reload()
        assert len(await pictures(page)) == 2
        await page.get_by_role("button", name="是，已整改").click()
        await expect(page.locator("body")).to_contain_text("已整改并确认")
    async with phone(browser, looked_at=True) as page:
        await page.goto(receipt)
        await anybody_can(page, "receipt")
    async with panel(browser, demo, path="/reports", size=PHONE) as desk:
        rows = desk.locator("cs-reports li").filter(has_text=LANDLORDS_UNIT)
        await expect(desk.locator("cs-reports li").first).to_be_visible()
        await expect(rows).to_have_count(0)
        await desk.get_by_label("Those that are over too").check()
        await rows.get_by_role("link").click()
        await expect(desk.locator("cs-report figure img")).to_have_count(2)
        await everybody_can(desk, "report")
    # Where and with what it was taken is nowhere, not even in the register.
    for path in demo.config.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for mark in (MAKER.encode(), PLACE.encode(), COMMENT):
                assert mark not in content, path


async def pictures(page: Page) -> list[Image.Image]:
    """Return the photos of a receipt as they are sent: pixels, and nothing else."""
    found: list[Image.Image] = []
    for picture in await page.locator("img").all():
        address = await picture.evaluate("picture => picture.src")
        answer = await page.request.get(address)
        assert answer.status == HTTPStatus.OK
        image = Image.open(BytesIO(await answer.body()))
        assert image.format == "JPEG"
        assert dict(image.getexif()) == {}
        assert image.info.keys() <= {
            *("jfif", "jfif_version", "jfif_unit", "jfif_density"),
            *("progressive", "progression", "dpi"),
        }
        found.append(image)
    return found


async def resident_sees_it(
    browser: Browser, demo: Demo, plate: str, secrets: set[str]
) -> None:
    """Enter the code that came to the phone of who lives there; see own things, and it."""
    async with demo.phones() as heard, phone(browser, looked_at=True) as page:
        await page.goto(plate)
        await page.get_by_role("link", name="住户入口").click()
        await page.get_by_label("手机号或邮箱").fill(TENANT.number)
        await page.get_by_role("button", name="发送验证码").click()
        await page.get_by_label("验证码").fill("0")
        await anybody_can(page, "code")
        await page.get_by_role("button", name="继续").click()
        await expect(page.get_by_role("alert")).to_contain_text("不正确")
        code = None
        while code is None:
            line = (await heard.readline()).decode()
            assert line
            if TENANT.names[0] in line:
                code = re.search(r"(?<!\d)\d{6}(?!\d)", line)
        secrets.add(code[0])
        await page.get_by_label("验证码").fill(code[0])
        await page.get_by_role("button", name="继续").click()
        said = page.locator("body")
        await expect(said).to_contain_text(f"{LANDLORDS_UNIT}（租客）")
        await expect(said).to_contain_text(str(FIRST_CARD)[-4:])
        await expect(said).to_contain_text("疏散通道堵塞")
        await anybody_can(page, "resident")
        await page.get_by_role("button", name="关闭").click()
        await expect(page.get_by_label("手机号或邮箱")).to_be_visible()
        await expect(said).not_to_contain_text(str(FIRST_CARD)[-4:])


async def test_police_at_a_door(
    browser: Browser, demo: Demo, plates: dict[str, str]
) -> None:
    """They log in where they stand, say why, see masks, ask for names, and write what they found."""
    width, height = PHONE
    context = await browser.new_context(
        viewport={"width": width, "height": height}, is_mobile=True, has_touch=True
    )
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.goto(plates[LANDLORDS_UNIT])
    await page.get_by_role("link", name="For police and property staff").click()
    await page.locator("input[name=username]").fill(POLICE)
    await page.locator("input[name=password]").fill(POLICE_PASSWORD)
    await page.keyboard.press("Enter")
    place = page.locator("cs-place")
    await expect(place.locator("[data-reason=inspection]")).to_be_visible()
    await expect(place).not_to_contain_text(LANDLORDS_UNIT)
    await everybody_can(page, "why")
    await place.locator("[data-reason=inspection]").click()
    await expect(place.locator("h1")).to_have_text(LANDLORDS_UNIT)
    people = place.locator("[data-unit]")
    await expect(people).to_contain_text(f"{TENANT.names[0][0]}**")
    await expect(people).not_to_contain_text(TENANT.names[0])
    await expect(people).not_to_contain_text(TENANT.number)
    await expect(people).to_contain_text(f"*{TENANT.number[-4:]}")
    await expect(place).to_contain_text("Hazards")
    await everybody_can(page, "masked")

    await people.locator("[data-do=reveal_at_place]").click()
    await expect(people).to_contain_text(TENANT.names[0])
    await expect(people).to_contain_text(TENANT.number)
    await everybody_can(page, "named")
    await people.locator("[data-do=hide]").click()
    await expect(people).not_to_contain_text(TENANT.names[0])

    await place.locator("[data-do=visit_place]").click()
    sheet = page.locator("cs-visit-place dialog")
    await sheet.get_by_label("What was found").select_option("not_as_registered")
    await sheet.get_by_label("Note").fill("Three beds in one room")
    await everybody_can(page, "visit")
    await sheet.get_by_role("button", name="Save").click()
    visit = place.locator("li").filter(has_text="Three beds in one room")
    await expect(visit).to_contain_text("Police")
    await expect(visit.locator(".tag.good")).to_be_visible()
    # They change nothing else, and do not learn who is visited because of how they are.
    await expect(place.locator("cs-rounds-here")).to_have_count(0)
    for deed in ("save_place", "print_codes", "revoke_code", "put_place_party"):
        await expect(place.locator(f"[data-do={deed}]")).to_have_count(0)
    await context.close()
    assert errors == []


async def test_a_visit_at_the_door(
    browser: Browser, demo: Demo, plates: dict[str, str]
) -> None:
    """Who has scanned the plate is shown who is due there, and records it in three taps."""
    path = f"/place/{token_of(plates[LANDLORDS_UNIT])}"
    async with panel(browser, demo, path=path, size=PHONE) as page:
        here = page.locator("cs-rounds-here")
        await expect(here).to_contain_text("Visit requested")
        await everybody_can(page, "rounds")
        await here.locator("[data-do=record_visit]").click()
        sheet = page.locator("cs-record-visit dialog")
        await expect(sheet).to_contain_text("plate scanned")
        save = sheet.get_by_role("button", name="Save")
        await expect(save).to_be_disabled()
        await sheet.locator("[data-outcome=met]").click()
        await sheet.get_by_label("Note").fill("Cheerful")
        await everybody_can(page, "record_visit")
        await save.click()
        await expect(here.get_by_role("status")).to_contain_text("The next visit is on")
        await expect(here).not_to_contain_text("Visit requested")
        await expect(here).to_contain_text("last: Met")
        # What was found is on the person's page, for who asks, and not here.
        await expect(page.locator("cs-place")).not_to_contain_text("Cheerful")
        await here.get_by_role("link").click()
        await page.locator("cs-person [data-do=round]").click()
        shown = page.locator("cs-round-of li").filter(has_text="Cheerful")
        await expect(shown.locator(".tag.good")).to_have_text("plate scanned")


async def test_a_plate_that_was_printed_again_is_void(
    browser: Browser, demo: Demo, plates: dict[str, str]
) -> None:
    """Who scans the one of before is told so, and whom to call; the new one is valid."""
    before = plates["1-1-202"]
    plates |= await print_plates(browser, demo, "1-1-202")
    async with phone(browser) as page:
        for more in ("", "/report", "/resident"):
            answer = await page.goto(before + more)
            assert answer
            assert answer.status == HTTPStatus.GONE
            await expect(page.locator("a[href='tel:119']")).to_be_visible()
            await expect(page.locator("body")).not_to_contain_text("1-1-202")
        answer = await page.goto(plates["1-1-202"])
        assert answer
        assert answer.status == HTTPStatus.OK
