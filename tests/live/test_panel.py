"""The control room in a real browser, before the whole demo: every message is real.

The names of the tests have the numbers of the design's checks.
"""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
import json
import re
from typing import Any

from playwright.async_api import (
    Browser,
    Locator,
    Page,
    WebSocketRoute,
    async_playwright,
    expect,
)
import pytest
import pytest_socket

from simulator.demo.home_assistant import HomeAssistant, add_account
from simulator.demo.place import read
from simulator.demo.setup import (
    LANDLORD,
    LANDLORD_PASSWORD,
    LANDLORDS_UNIT,
    PASSWORD,
    POLICE,
    POLICE_PASSWORD,
    USER,
)
from simulator.demo.timeline import Story

from .demo import ROOT, Demo

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    # One demo serves them all.
    pytest.mark.xdist_group("panel"),
]

#: A phone's and a desk's width and height in CSS pixels, and the least that a finger hits.
PHONE, DESK = (390, 844), (1280, 900)
#: Just wide enough for Home Assistant's sidebar to stay beside the panel.
TABLET = (900, 900)
#: A desk whose text is four times as large, and therefore also one with text of 200 %.
LARGE = (320, 640)
LEAST = 44
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)
AXE = ROOT / "frontend/node_modules/axe-core/axe.min.js"
#: As the design asks for. What the bar of pages covers in part is scrolled clear of it first, as
#: who taps it does.
AXE_RUN = """async () => {
  const run = async (runOnly) => (await axe.run(document, {runOnly, elementRef: false}))
    .violations.flatMap(({id, nodes}) => nodes.map(({target, failureSummary}) => ({
      id, path: target.flat(), target: JSON.stringify(target), failureSummary})))
    .filter(({target}) => target.includes("community-safety-"))
  // No frame is drawn of a page behind another.
  const turn = () => new Promise((done) => setTimeout(done, 100))
  const found = []
  for (const {id, path, target, failureSummary} of
    await run(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"])) {
    if (id === "target-size") {
      path.reduce((root, part) => (root.shadowRoot ?? root).querySelector(part), document)
        ?.scrollIntoView({block: "center"})
      await turn()
      const still = await run({type: "rule", values: [id]})
      if (!still.some((other) => other.target === target)) continue
    }
    found.push(`${id}: ${target} ${failureSummary}`)
  }
  return found
}"""
#: Buttons and links of ours that are smaller than a finger.
SMALL = """(least) => {
  const found = []
  const walk = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.matches("button, a.button, a, label.choice")) {
        const { width, height } = element.getBoundingClientRect()
        if (width && (height < least || width < least)) {
          found.push(`${element.textContent.trim()} ${width}x${height}`)
        }
      }
      if (element.shadowRoot) walk(element.shadowRoot)
    }
  }
  const find = (root) => root.querySelector("community-safety-panel") ?? [...root.querySelectorAll("*")]
    .filter((item) => item.shadowRoot).map((item) => find(item.shadowRoot)).find(Boolean)
  walk(find(document).shadowRoot)
  return found
}"""


#: What moves at the edge of a card.
MOVES = "(card) => getComputedStyle(card, '::before').animationName"
#: Counts how often somebody presses.
TAPS = "window.taps = 0, addEventListener('pointerdown', () => window.taps += 1, true)"
#: Who has the focus, and what is written on it.
FOCUSED = """() => {
  let at = document.activeElement
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
  return at?.textContent?.trim() ?? ""
}"""
#: Elements of others in the panel, and if the browser knows them.
THEIRS = """() => {
  const found = new Map()
  const walk = (root) => {
    for (const element of root.querySelectorAll("*")) {
      const name = element.localName
      if (name.includes("-") && !/^(cs|community-safety)-/.test(name)) found.set(name, !!customElements.get(name))
      else if (element.shadowRoot) walk(element.shadowRoot)
    }
  }
  const find = (root) => root.querySelector("community-safety-panel") ?? [...root.querySelectorAll("*")]
    .filter((item) => item.shadowRoot).map((item) => find(item.shadowRoot)).find(Boolean)
  walk(find(document).shadowRoot)
  return Object.fromEntries(found)
}"""
#: So many presses of the Tab key lead anywhere.
MOST_TABS = 60


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Generator[Demo]:
    """Return one demo for all of these tests."""
    # Each test's set-up closes the sockets anew.
    pytest_socket.enable_socket()
    demo = Demo(tmp_path_factory.mktemp("panel") / "demo", "en")
    try:
        yield demo
    finally:
        assert demo.stop() == 0


@pytest.fixture
async def story(socket_enabled: None, demo: Demo) -> AsyncGenerator[Story]:
    """Return what lets things happen."""
    run = json.loads((demo.config.parent / "run.json").read_text())
    async with HomeAssistant(run["port"], run["token"]) as hass:
        await hass.connect()
        story = Story(hass, run["broker_port"])
        await story.start()
        yield story
        await story.stop()


@pytest.fixture
async def browser(story: Story, chromium: str) -> AsyncGenerator[Browser]:
    """Return a browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"]
        )
        yield browser
        await browser.close()


#: Who has just begun to work here.
DUTY = "new-duty"
PASSWORDS = {
    USER: PASSWORD,
    POLICE: POLICE_PASSWORD,
    LANDLORD: LANDLORD_PASSWORD,
    DUTY: "duty-duty-duty",
}
#: What browsers keep of a login, by Home Assistant and user.
_LOGINS: dict[tuple[str, str], Any] = {}


class Line:
    """The browser's connection to Home Assistant, which can be cut."""

    def __init__(self) -> None:
        """Initialize; it is whole."""
        self.is_cut = False
        self._sockets: list[WebSocketRoute] = []

    async def connect(self, socket: WebSocketRoute) -> None:
        """Take a connection that the browser asks for."""
        if self.is_cut:
            await socket.close()
        else:
            socket.connect_to_server()
            self._sockets.append(socket)

    async def cut(self) -> None:
        """End the connection, and let no new one come."""
        self.is_cut = True
        for socket in self._sockets:
            await socket.close()
        self._sockets = []


@asynccontextmanager
async def panel(
    browser: Browser,
    demo: Demo,
    user: str = USER,
    *,
    path: str = "/now",
    size: tuple[int, int] = DESK,
    dark: bool = False,
    line: Line | None = None,
) -> AsyncGenerator[Page]:
    """Return the control room as a user sees it; an error in its console fails."""
    url = json.loads((demo.config.parent / "run.json").read_text())["url"]
    width, height = size
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        storage_state=_LOGINS.get((url, user)),
    )
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    if line:
        await page.route_web_socket(re.compile("/api/websocket"), line.connect)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.goto(f"{url}/safety{path}")
    if (url, user) not in _LOGINS:
        await page.locator("input[name=username]").fill(user)
        await page.locator("input[name=password]").fill(PASSWORDS[user])
        await page.keyboard.press("Enter")
    there = page.locator("cs-now, cs-incident, cs-register, cs-doors")
    # Of incidents that cannot be asked for yet there is nothing to see.
    await there.wait_for(state="attached")
    _LOGINS[url, user] = await context.storage_state()
    yield page
    await context.close()
    # What Home Assistant's frontend asks on a line that is cut is refused, and unhandled.
    assert errors == [] or line


def card(page: Page, place: str) -> Locator:
    """Return the card of a place."""
    return page.locator("cs-now li").filter(has_text=place)


async def count(page: Page, key: str) -> str:
    """Return one of the totals."""
    text = await page.locator(f"[data-count={key}] strong").text_content()
    return str(text)


async def tab_to(page: Page, words: str) -> None:
    """Go to what has these words on it by the Tab key alone."""
    for _time in range(MOST_TABS):
        await page.keyboard.press("Tab")
        if words in str(await page.evaluate(FOCUSED)):
            return
    raise AssertionError(f"No way to {words}")


async def hold(page: Page, button: Locator, milliseconds: int) -> None:
    """Press a button for so long."""
    await button.hover()
    await page.mouse.down()
    await page.wait_for_timeout(milliseconds)
    await page.mouse.up()


async def test_help_without_an_incident(
    browser: Browser, demo: Demo, story: Story
) -> None:
    """It is shown though the register was loaded anew meanwhile, and closed where it is shown."""
    run = json.loads((demo.config.parent / "run.json").read_text())
    property_id = read(demo.config.parent / "state.json")["property"]
    async with (
        HomeAssistant(run["port"], run["token"]) as hass,
        panel(browser, demo) as page,
        panel(browser, demo, LANDLORD, path="", size=PHONE) as own,
    ):
        await hass.connect()
        flats = own.locator("cs-mine [data-unit]")
        await expect(flats).to_contain_text("No open alert")
        await hass.action("homeassistant.reload_config_entry", entry_id=property_id)
        unit_id = await flats.get_attribute("data-unit")
        alert = await hass.action("rental_units.alert", unit_id=unit_id, hazard="smoke")
        await flats.locator("[data-answer=need_help]").click()
        await expect(flats).to_contain_text("Your call for help is sent")
        strip = page.locator(".calls li")
        await expect(strip).to_contain_text(
            f"{LANDLORDS_UNIT}, Landlord 1: needs help since"
        )
        await strip.get_by_role("button", name="Close…").click()
        sheet = page.locator("cs-help dialog")
        await sheet.get_by_label("They are safe").check()
        await sheet.get_by_label("What was found").fill("Seen at the gate")
        await sheet.get_by_role("button", name="Write down").click()
        await expect(strip).to_have_count(0)
        await hass.action("rental_units.cancel_alert", alert_id=alert["alert_id"])
        await expect(flats).to_contain_text("No open alert")


async def test_first_shift_of_a_duty_officer(
    browser: Browser, demo: Demo, story: Story
) -> None:
    """A fire, a welded breaker, a call for help and a drill, with the role alone; taps are counted."""
    run = json.loads((demo.config.parent / "run.json").read_text())
    property_id = read(demo.config.parent / "state.json")["property"]
    async with HomeAssistant(run["port"], run["token"]) as hass:
        await hass.connect()
        who = await add_account(hass, "New", DUTY, PASSWORDS[DUTY], "system-users")
        await hass.call(
            "rental_units/grant_role", entry_id=property_id, user_id=who, role="duty"
        )
    await story.do("welded", "1-1-202")
    async with panel(browser, demo, DUTY, path="") as page:
        await expect(page.locator("cs-now .nothing")).to_be_visible()
        await page.evaluate(TAPS)

        async def taps() -> int:
            """Return how often it was pressed since the last time."""
            return int(await page.evaluate("[window.taps, window.taps = 0][0]"))

        await story.do("smoke", "1-1-202")
        fire = card(page, "1-1-202")
        await expect(fire).to_contain_text("MAY BE ON")
        await fire.get_by_role("button", name="Acknowledge").click()
        await expect(fire).to_contain_text("seen by New")
        assert await taps() == 1
        await fire.get_by_role("link", name="Open").click()
        incident = page.locator("cs-incident")
        row = incident.locator("tbody tr").filter(has_text="Breaker")
        await expect(row).to_have_attribute("data-state", "may_be_on")
        await hold(page, incident.locator("cs-hold button"), 1300)
        await expect(incident.locator(".did.failed")).to_contain_text("not proven")

        await story.do("answer", "1-1-202-tenant-2", way="push", word="need_help")
        strip = page.locator(".calls li")
        await expect(strip).to_contain_text("1-1-202, Tenant 2: needs help since")
        await taps()
        close = incident.locator(".people").get_by_role("button", name="Close…")
        await close.click()
        sheet = page.locator("cs-help dialog")
        await sheet.get_by_label("They are safe").click()
        note = sheet.get_by_label("What was found")
        await note.press_sequentially("Seen at the gate")
        await sheet.get_by_role("button", name="Write down").click()
        await expect(strip).to_have_count(0)
        assert await taps() == 3

        await story.do("clear", "1-1-202")
        reset = incident.locator("[data-action=reset]")
        await expect(reset).to_be_enabled()
        await taps()
        await reset.click()
        await incident.get_by_role("button", name="Cooking").click()
        await expect(incident.locator("header")).to_contain_text("power still off")
        assert await taps() == 2
        await incident.locator("[data-action=restore]").click()
        await incident.locator("dialog").get_by_label("On site").click()
        await hold(page, incident.locator("dialog cs-hold button"), 1800)
        await expect(incident.locator("header")).to_contain_text("is over")
        assert await taps() == 3
        await incident.get_by_role("link", name="All incidents").click()
        await expect(page.locator("cs-now .nothing")).to_be_visible()

        # All that is listed and only detects is one drill.
        await page.locator("cs-navigation [data-page=devices]").click()
        devices = page.locator("cs-devices")
        await devices.get_by_role("searchbox").fill("1-1-")
        drill = devices.locator("[data-do=drill] button")
        await drill.click()
        await expect(drill).to_contain_text("Press again")
        await drill.click()
        chains = devices.locator("[data-step=raised][data-state=done]")
        await expect(chains.first).to_be_visible()
        await page.locator("cs-navigation [data-page=now]").click()
        drills = page.locator("cs-now .drills li")
        await expect(drills.first).to_be_visible()
        assert await count(page, "fire") == "0"
        await expect(drills).to_have_count(0)
        await expect(page.locator("cs-now .nothing")).to_be_visible()


async def test_dashboard_of_ones_own(
    browser: Browser, demo: Demo, story: Story
) -> None:
    """Cards, and a whole dashboard: in a page in which the control room was never opened."""
    run = json.loads((demo.config.parent / "run.json").read_text())
    own = "own-safety"
    kinds = {
        "alarms": {},
        "incident": {"area": "1_1_201"},
        "building": {"floor": "building_1"},
        "unit": {"area": "1_1_301"},
    }
    cards = [
        {"type": f"custom:community-safety-{kind}-card", **config}
        for kind, config in kinds.items()
    ]
    async with HomeAssistant(run["port"], run["token"]) as hass:
        await hass.connect()

        async def has(config: Any) -> None:
            await hass.call("lovelace/config/save", url_path=own, config=config)

        await hass.call(
            "lovelace/dashboards/create", url_path=own, title="Own", mode="storage"
        )
        await has({"views": [{"title": "All", "cards": cards}]})
        await story.do("smoke", "1-1-201")
        async with panel(browser, demo) as page:
            base = page.url.partition("/safety")[0]
            await page.goto(f"{base}/{own}/0")
            fire = page.locator("cs-card-alarms li").filter(has_text="1-1-201")
            await expect(fire).to_contain_text("NEW")
            await expect(page.locator("cs-card-incident h1")).to_have_text("1-1-201")
            building = page.locator("cs-card-building")
            await expect(building).to_contain_text("Fire 1")
            calm = page.locator("cs-card-unit")
            await expect(calm).to_contain_text("3 of 3 devices heard")
            await expect(calm).to_contain_text("1-1-301")
            await expect(calm).to_contain_text("No open alarm")
            await page.add_script_tag(path=str(AXE))
            assert await page.evaluate(AXE_RUN) == []
            await fire.get_by_role("button", name="Acknowledge").click()
            await expect(fire).to_contain_text("seen by Demo")

            await has({"strategy": {"type": "custom:community-safety"}})
            await page.goto(f"{base}/{own}/building-building_1")
            place = building.locator("[data-area='1_1_201']")
            await expect(place).to_have_attribute("aria-label", re.compile("seen"))
            await place.click()
            await expect(page.locator("cs-incident h1")).to_have_text("1-1-201")
            incident = page.url.rpartition("/")[2]
        await story.do("clear", "1-1-201")
        await hass.call("community_safety/reset", incident_id=incident, outcome="test")
        await hass.call(
            "community_safety/restore", incident_id=incident, checked="on_site"
        )


async def test_a_fire_from_the_panel_alone(
    browser: Browser, demo: Demo, story: Story
) -> None:
    """A1 A3 A4 A5 A8, B2 B3 B5 B6 B9 B10: seen, acknowledged, over, reset, power back."""
    async with panel(browser, demo) as page:
        await expect(page.locator("cs-now .nothing")).to_contain_text(
            re.compile(r"No open alarm · (\d+) of \1 devices heard in time")
        )
        assert await count(page, "fire") == "0"
        await story.do("smoke", "1-2-101")
        fire = card(page, "1-2-101")
        await expect(fire).to_contain_text("NEW")
        await expect(fire).to_contain_text(re.compile(r"\d+:\d\d:\d\d"))
        await expect(fire).to_contain_text("Smoke")
        await expect(fire).to_contain_text("power 1/1 off, proven")
        assert [await count(page, key) for key in ("fire", "linkage", "off")] == [
            "1",
            "0",
            "1",
        ]
        await fire.get_by_role("button", name="Acknowledge 1-2-101").click()
        await expect(fire).to_contain_text("seen by Demo")
        await expect(fire.get_by_role("button", name="Acknowledge")).to_have_count(0)

        await fire.get_by_role("link", name="Open").click()
        incident = page.locator("cs-incident")
        await expect(incident.locator("h1")).to_have_text("1-2-101")
        rows = incident.locator("tbody tr")
        await expect(rows).to_have_count(1)
        await expect(rows).to_contain_text(re.compile(r"Off, proven in \d+ ms"))
        reset = incident.locator("[data-action=reset]")
        restore = incident.locator("[data-action=restore]")
        for blocked in (reset, restore):
            await expect(blocked).to_be_disabled()
            await expect(blocked).to_contain_text("Smoke still there")
        await incident.get_by_role("button", name="Text for 119").click()
        for words in ("Building 1", "storey 1", "1-2-101", "Smoke", "off and proven"):
            await expect(incident.locator(".report")).to_contain_text(words)
        await page.keyboard.press("Escape")
        await incident.get_by_label("119 called").click()
        await expect(incident.locator("ol")).to_contain_text("Done: 119 called")
        await expect(incident.get_by_label("119 called")).to_be_disabled()

        await story.do("clear", "1-2-101")
        await expect(reset).to_be_enabled()
        await reset.click()
        await incident.get_by_role("button", name="Cooking").click()
        await expect(incident.locator("ol")).to_contain_text(
            re.compile(r"Reset: .*\(Cooking\)")
        )
        await expect(incident.locator("header")).to_contain_text("power still off")
        await expect(reset).to_have_count(0)

        await page.go_back()
        await expect(card(page, "1-2-101")).to_contain_text("power still off")
        await card(page, "1-2-101").get_by_role("link", name="Open").click()
        await restore.click()
        close = incident.locator("dialog cs-hold button")
        await expect(close).to_be_disabled()
        await incident.locator("dialog").get_by_label("On site").click()
        await hold(page, close, 1800)
        await expect(incident.locator("header")).to_contain_text(
            "This incident is over"
        )
        await expect(incident.locator("ol")).to_contain_text("Restored (On site)")
        await incident.get_by_role("link", name="All incidents").click()
        await expect(page.locator("cs-now .nothing")).to_be_visible()


async def test_welded_breaker_and_hold(
    browser: Browser, demo: Demo, story: Story
) -> None:
    """A3, B1 B7 B8: what may be on is never off, and power is cut by no slip of a finger."""
    await story.do("welded", "1-1-301")
    await story.do("smoke", "1-1-301")
    async with panel(browser, demo) as page:
        fire = card(page, "1-1-301")
        await expect(fire).to_contain_text("MAY BE ON")
        await expect(fire).to_contain_text(re.compile(r"\d A"))
        await expect(fire).to_contain_text("power 0/1 off")
        await expect(fire).to_contain_text("Smoke + Cut-off failed (2)")
        assert await card(page, "1-1-301").count() == 1
        assert await count(page, "linkage") == "1"
        await fire.get_by_role("link", name="Open").click()
        incident = page.locator("cs-incident")
        row = incident.locator("tbody tr")
        await expect(row).to_contain_text("MAY BE ON")
        await expect(row).to_have_attribute("data-state", "may_be_on")
        await expect(row).to_contain_text(re.compile(r"\d A"))
        assert await incident.locator("input[type=range], [role=switch]").count() == 0
        cuts = incident.locator("ol li").filter(has_text="Cut off:")
        before = await cuts.count()
        button = incident.locator("cs-hold button")
        await hold(page, button, 600)
        await page.wait_for_timeout(500)
        await expect(incident.locator(".did.sending, .did.failed")).to_have_count(0)
        assert await cuts.count() == before
        await hold(page, button, 1300)
        # It is welded: that it was tried, and that it failed, is said.
        await expect(incident.locator(".did.failed")).to_contain_text(
            "Not done: 1 not proven"
        )
    await story.do("clear", "1-1-301")


async def test_acknowledge_and_order_by_keyboard(
    browser: Browser, demo: Demo, story: Story
) -> None:
    """A2 A5: danger first, however it came; one key goes to what is new, one acknowledges."""
    await story.do("tank-low", None)
    await story.do("smoke", "1-1-202")
    async with panel(browser, demo) as page:
        await expect(card(page, "roof")).to_contain_text("Low level")
        await expect(card(page, "1-1-202")).to_contain_text("NEW")
        places = page.locator("cs-now li strong")
        await expect(places.first).to_have_text(re.compile("1-1-(202|301)"))
        await expect(places.last).to_have_text("Building 1 roof")
        await page.keyboard.press("n")
        focused = page.locator("cs-now li:focus-within")
        await expect(focused).to_have_count(1)
        where = str(await focused.locator("strong").text_content())
        await page.keyboard.press("a")
        await expect(card(page, where)).to_contain_text("seen by Demo")
        # What is seen stays above what is less.
        await expect(places.last).to_have_text("Building 1 roof")
        # B6: it is opened, and reset, by keys alone.
        await page.keyboard.press("Enter")
        incident = page.locator("cs-incident")
        await expect(incident.locator("h1")).to_have_text(where)
        await story.do("clear", where)
        await expect(incident.locator("[data-action=reset]")).to_be_enabled()
        await tab_to(page, "Reset")
        await page.keyboard.press("Enter")
        await tab_to(page, "Cooking")
        await page.keyboard.press("Enter")
        await expect(incident.locator("ol")).to_contain_text(
            re.compile(r"Reset: .*\(Cooking\)")
        )


async def test_focus_stays_where_it_was(
    browser: Browser, demo: Demo, story: Story
) -> None:
    """A card that moves takes the focus along; who had it nowhere is given none."""
    await story.do("smoke", "1-1-201")
    await story.do("smoke", "1-1-202")
    async with panel(browser, demo) as page, panel(browser, demo) as watched:
        new = page.locator("cs-now li[data-new]")
        await expect(new.nth(1)).to_be_visible()
        seen_first = new.first.locator("strong")
        where = str(await seen_first.text_content())
        await page.keyboard.press("n")
        await expect(page.locator("cs-now li:focus-within strong")).to_have_text(where)
        await expect(card(watched, where)).to_contain_text("NEW")
        before = await watched.evaluate(FOCUSED)
        await page.keyboard.press("a")
        for one in (page, watched):
            await expect(card(one, where)).to_contain_text("seen by Demo")
            # It has moved below what nobody has seen.
            await expect(one.locator("cs-now li strong").first).not_to_have_text(where)
        await expect(page.locator("cs-now li:focus-within strong")).to_have_text(where)
        await expect(watched.locator("cs-now li:focus-within")).to_have_count(0)
        assert await watched.evaluate(FOCUSED) == before
    await story.do("clear", "1-1-201")
    await story.do("clear", "1-1-202")


async def test_elements_of_home_assistant(
    browser: Browser, demo: Demo, story: Story
) -> None:
    """Each of its elements that is drawn is one that this release has."""
    await story.do("smoke", "1-1-201")
    seen: dict[str, bool] = {}
    for path in ("/now", "/map", "/devices"):
        async with panel(browser, demo) as page:
            if path == "/now":
                await card(page, "1-1-201").get_by_role("link", name="Open").click()
                await page.locator("cs-cameras [data-camera]").wait_for()
            else:
                await page.goto(page.url.replace("/now", path))
                await page.locator("cs-map, cs-devices").wait_for()
            seen |= await page.evaluate(THEIRS)
    assert [name for name, is_known in seen.items() if not is_known] == []
    assert "ha-menu-button" in seen
    await story.do("clear", "1-1-201")


@pytest.mark.parametrize(
    ("size", "dark"),
    [(PHONE, True), (TABLET, False), (DESK, True), (LARGE, False)],
    ids=["phone dark", "tablet", "desk dark", "text 200 %"],
)
async def test_everybody_can_use_it(
    browser: Browser, demo: Demo, story: Story, size: tuple[int, int], dark: bool
) -> None:
    """A10, and what axe finds: fingers, contrast, names, and nothing to scroll sideways; nor moves."""
    await story.do("smoke", "1-1-201")
    async with panel(browser, demo, size=size, dark=dark) as page:
        fire = card(page, "1-1-201")
        await expect(fire).to_be_visible()
        # What is new pulses, slowly, unless somebody does not want that.
        for motion, moves in (("no-preference", "pulse"), ("reduce", "none")):
            await page.emulate_media(reduced_motion=motion)  # type: ignore[arg-type]
            assert await fire.evaluate(MOVES) == moves

        async def check() -> None:
            width = "document.documentElement.scrollWidth <= window.innerWidth"
            assert await page.evaluate(width)
            assert await page.evaluate(SMALL, LEAST) == []
            assert await page.evaluate(AXE_RUN) == []

        await page.add_script_tag(path=str(AXE))
        await check()
        for button in await page.locator("cs-now .do > *").all():
            box = await button.bounding_box()
            assert box
            assert box["x"] + box["width"] <= size[0]
        await card(page, "1-1-201").get_by_role("link", name="Open").click()
        await expect(page.locator("cs-incident tbody tr")).to_have_count(1)
        await check()


async def test_police_read(browser: Browser, demo: Demo, story: Story) -> None:
    """A9: they see the fire and its proof, and no button that would be refused."""
    await story.do("smoke", "1-1-201")
    async with panel(browser, demo, POLICE) as page:
        await expect(page.get_by_text("Read only")).to_be_visible()
        fire = card(page, "1-1-201")
        await expect(fire).to_contain_text("power 1/1 off, proven")
        assert await fire.get_by_role("button").count() == 0
        await fire.get_by_role("link", name="Open").click()
        incident = page.locator("cs-incident")
        await expect(incident.locator("tbody tr")).to_have_count(1)
        names = await incident.get_by_role("button").all_text_contents()
        assert [name.strip() for name in names] == [
            "Text for 119",
            "Print",
            "All",
            "Power",
            "People",
            "Staff",
        ]
        await expect(incident.get_by_label("119 called")).to_be_disabled()


async def test_old_data_looks_old(browser: Browser, demo: Demo, story: Story) -> None:
    """A connection that is gone is said at once, nothing can be pressed, and all comes back."""
    await story.do("smoke", "1-1-201")
    line = Line()
    async with panel(browser, demo, line=line) as page:
        await expect(card(page, "1-1-201")).to_be_visible()
        await line.cut()
        await expect(page.locator(".age.stale")).to_contain_text("Old data")
        for button in await page.locator("cs-now button").all():
            await expect(button).to_be_disabled()
        await story.do("smoke", "2-1-101")
        line.is_cut = False
        await expect(card(page, "2-1-101")).to_contain_text("NEW")
        await expect(card(page, "2-1-101")).to_contain_text("changed while")
        await expect(page.locator(".age")).to_have_count(0)
