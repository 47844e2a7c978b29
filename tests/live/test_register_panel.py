"""The register's pages of the control room in a real browser, before the whole demo.

The names of the tests have the numbers of the design's checks. All people are marks: four
of the ten heavenly stems each, and none is anybody.
"""

import base64
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
import csv
from datetime import UTC, datetime, timedelta
from functools import partial
import io
from itertools import batched, product
import json
import os
from pathlib import Path
import re
import signal
import time
from typing import Any, override
from zoneinfo import ZoneInfo

from playwright.async_api import (
    Browser,
    Locator,
    Page,
    WebSocket,
    WebSocketRoute,
    expect,
)
import pytest

from simulator.demo.home_assistant import HomeAssistant
from simulator.demo.place import read
from simulator.demo.setup import LANDLORD, LANDLORDS_UNIT, POLICE, USER
from simulator.demo.timeline import Story
from simulator.residents import RESIDENTS
from tests.browser.frontend import IN_LANGUAGE, SPEAK

from .demo import Demo
from .test_panel import (
    AXE as AXE_PATH,
    AXE_RUN,
    DESK,
    LEAST,
    PHONE,
    SMALL,
    Line,
    browser,
    card,
    panel,
    story,
)

__all__ = ["browser", "story"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    # One demo serves them all.
    pytest.mark.xdist_group("register"),
]

STEMS = "甲乙丙丁戊己庚辛壬癸"
NAMES = ["".join(row) for row in product(STEMS, repeat=4)]
UNITS = [
    f"{building}-{stairwell}-{storey}0{door}"
    for building, stairwell, storey, door in product(
        range(3, 23), range(1, 5), range(1, 6), range(1, 6)
    )
]
#: Without its sizes, which SMALL measures: it counts as small what the bar of a phone covers
#: while the list is scrolled.
AXE = AXE_RUN.replace(
    "elementRef", "rules: {'target-size': {enabled: false}}, elementRef"
)
#: What an element of ours says: its text is in its shadow, and in those of others in it.
SAID = """(host) => {
  const read = (node) => node.nodeType === Node.TEXT_NODE ? node.data
    : [...(node.shadowRoot ?? node).childNodes].map(read).join(" ")
  return read(host)
}"""
#: Something of the house that may be heard, whatever it is.
ENTITY = """() => Object.keys(document.querySelector("home-assistant").hass.states)
  .find(id => id.startsWith("switch.") || id.startsWith("binary_sensor."))"""
#: Both integrations, and how their commands begin.
DOMAINS = ("community_safety", "rental_units")
OURS = tuple(f"{domain}/" for domain in DOMAINS)
#: Rows of one import: a slow machine has an answer in time.
PART = 250
#: So fast somebody types, in milliseconds between two keys.
TYPING = 60
#: Until what was looked for is there. The design asks for 2 s, of a machine that runs nothing else.
MOST_SECONDS = 5


def number(index: int) -> str:
    """Return the number of a mark."""
    return f"+861380000{index:04}"


@pytest.fixture(scope="module")
def demo(property_demo: Demo) -> Demo:
    """Return the demo, which the tests of places have too."""
    return property_demo


@pytest.fixture
async def register(demo: Demo, story: Story) -> AsyncGenerator[Register]:
    """Return the demo's register, with two thousand units more."""
    run = json.loads((demo.config.parent / "run.json").read_text())
    async with HomeAssistant(run["port"], run["token"]) as hass:
        await hass.connect()
        state = read(demo.config.parent / "state.json")
        register = Register(hass, state["property"])
        await register.fill()
        yield register


class Register:
    """The register by its commands, as somebody else uses it at the same time."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Initialize."""
        self.hass = hass
        self.entry_id = entry_id

    async def ask(self, command: str, **data: Any) -> Any:
        """Ask something."""
        return await self.hass.call(
            f"rental_units/{command}", entry_id=self.entry_id, **data
        )

    async def fill(self) -> None:
        """Import the units, once."""
        if (await self.ask("units", limit=1))["total"] > len(UNITS):
            return
        heading = "building,stairwell,number,address,role,name,phone,start,end"
        end = datetime.now(UTC).date() + timedelta(days=200)
        rows = [
            f"{title.replace('-', ',')},Xingqiao {title},tenant,{NAMES[index]},"
            f"{number(index)},2026-01-01,{end}"
            for index, title in enumerate(UNITS)
        ]
        for part in batched(rows, PART, strict=True):
            text = "\n".join((heading, *part))
            content = base64.b64encode(text.encode()).decode()
            preview = await self.ask("import_preview", content=content)
            assert preview["errors"] == []
            await self.ask("import_apply", content=content, digest=preview["digest"])

    async def unit(self, title: str) -> dict[str, Any]:
        """Return a unit with its people."""
        listed = await self.ask("units", limit=2000)
        rows = listed["units"]
        if len(rows) < listed["total"]:
            rows += (await self.ask("units", limit=2000, offset=2000))["units"]
        unit = next(row["unit_id"] for row in rows if row["title"] == title)
        found: dict[str, Any] = await self.ask("unit", unit_id=unit)
        return found

    async def audited(self, **about: Any) -> list[str]:
        """Return what was done to whose data, the last first."""
        answer = await self.ask("audit", limit=500, **about)
        return [row["what"] for row in answer["rows"]]


async def everybody_can(page: Page, what: str) -> None:
    """Check fingers, that nothing is to scroll sideways, and what axe finds."""
    await page.add_script_tag(path=str(AXE_PATH))
    width = "document.documentElement.scrollWidth <= window.innerWidth"
    assert await page.evaluate(width), what
    assert await page.evaluate(SMALL, LEAST) == [], what
    assert await page.evaluate(AXE) == [], what


async def open_unit(page: Page, title: str) -> None:
    """Find a unit as one does."""
    await page.keyboard.press("/")
    box = page.get_by_role("searchbox")
    await expect(box).to_be_focused()
    await box.fill(title)
    await expect(page.locator("cs-units .results a").first).to_contain_text(title)
    await page.keyboard.press("Enter")
    await expect(page.locator("cs-unit h1")).to_have_text(title)


def person(page: Page, name: str) -> Locator:
    """Return the row of somebody in a unit."""
    return page.locator("cs-unit li.person").filter(has_text=name)


async def test_find_among_two_thousand(
    browser: Browser, demo: Demo, register: Register
) -> None:
    """E1 E2: a unit by its name, anybody by pinyin, initials, signs or number, in ten keys."""
    # Whose initials nobody else has, however rarely their signs are read so.
    index = UNITS.index("14-1-304")
    name = NAMES[index]
    spelt = {
        "甲": "jia",
        "乙": "yi",
        "丙": "bing",
        "丁": "ding",
        "戊": "wu",
        "己": "ji",
        "庚": "geng",
        "辛": "xin",
        "壬": "ren",
        "癸": "gui",
    }
    pinyin = "".join(spelt[sign] for sign in name)
    initials = "".join(spelt[sign][0] for sign in name)
    async with panel(browser, demo) as page:
        await expect(page.locator("cs-now .nothing, cs-now li").first).to_be_visible()
        # The register brings its pages after the incidents.
        await expect(page.locator("[data-page=units]")).to_be_visible()
        for typed in ("10-3-105", "103105", "10 3 105"):
            began = time.monotonic()
            await page.keyboard.press("/")
            await page.keyboard.type(typed, delay=TYPING)
            await page.keyboard.press("Enter")
            await expect(page.locator("cs-unit h1")).to_have_text("10-3-105")
            assert time.monotonic() - began < MOST_SECONDS
            assert len(typed) + 2 <= 10
        for typed in (initials, number(index)[-5:]):
            began = time.monotonic()
            await page.keyboard.press("/")
            await page.keyboard.type(typed, delay=TYPING)
            await page.keyboard.press("Enter")
            await expect(page.locator("cs-person h1")).to_have_text(name)
            assert time.monotonic() - began < MOST_SECONDS
            assert len(typed) + 2 <= 10
        for typed in (pinyin, name):
            await page.keyboard.press("/")
            await page.get_by_role("searchbox").fill(typed)
            await expect(page.locator("cs-units .results a").first).to_contain_text(
                name
            )
        await page.get_by_role("searchbox").fill("no such thing")
        await expect(page.get_by_text("Nothing found")).to_be_visible()
        await page.get_by_role("searchbox").fill("")
        await expect(page.locator("cs-units tbody tr").first).to_contain_text("1-1-201")
        await page.locator("[data-filter=ending]").click()
        await expect(page.locator("cs-units tbody tr")).to_have_count(1)


async def test_check_in_renew_and_check_out(
    browser: Browser, demo: Demo, register: Register
) -> None:
    """F1 F2 F3 E5: somebody new, somebody known, doubts, a wrong number, and undone."""
    async with panel(browser, demo, path="/units") as page:
        await open_unit(page, "4-1-101")
        sheet = page.locator("cs-check-in dialog")
        await page.locator("[data-do=check_in]").click()
        await sheet.get_by_label("Name").fill("Mark One")
        phone = sheet.get_by_label("Phone number")
        await phone.fill("12")
        await sheet.get_by_role("button", name="Check in").click()
        await expect(phone).to_have_attribute("aria-invalid", "true")
        await expect(phone).to_be_focused()
        await expect(sheet).to_contain_text("This is no phone number")
        await phone.fill("13900000001")
        await sheet.get_by_role("button", name="Check in").click()
        await expect(page.get_by_role("status")).to_contain_text("Checked in.")
        await expect(person(page, "Mark One")).to_contain_text("+86*******0001")
        assert "13900000001" not in await page.content()

        # The same number elsewhere: is it them?
        await open_unit(page, "4-1-102")
        await page.locator("[data-do=check_in]").click()
        await sheet.get_by_label("Name").fill("Mark Won")
        await phone.fill("13900000001")
        await sheet.get_by_role("button", name="Check in").click()
        await expect(sheet).to_contain_text("Is it one of these?")
        await sheet.get_by_role("button", name="It is them").click()
        await sheet.get_by_role("button", name="Check in").click()
        # They are still in the other one.
        await expect(sheet).to_contain_text("At the same time there is")
        await expect(sheet).to_contain_text("4-1-101")
        await sheet.get_by_role("button", name="Check in all the same").click()
        await expect(person(page, "Mark One")).to_be_visible()

        end = datetime.now(UTC).date() + timedelta(days=400)
        lease = page.locator("cs-lease dialog")
        await open_unit(page, "4-1-101")
        await person(page, "Mark One").locator("[data-do=renew_lease]").click()
        await lease.get_by_label("New last day").fill(end.isoformat())
        await lease.get_by_role("button", name="Renew").click()
        await expect(person(page, "Mark One")).to_contain_text(
            f"{end:%b} {end.day}, {end:%Y}"
        )
        await person(page, "Mark One").locator("[data-do=check_out]").click()
        await lease.get_by_role("button", name="Check out").click()
        await expect(person(page, "Mark One")).to_have_count(0)
        await page.locator("[data-do=undo]").click()
        await expect(page.get_by_role("status")).to_contain_text("Undone.")
        await expect(person(page, "Mark One")).to_be_visible()


async def test_two_at_once(browser: Browser, demo: Demo, register: Register) -> None:
    """E4: who was slower sees both sides, and nothing is lost on either."""
    before = await register.unit("5-2-303")
    (tenant,) = before["people"]
    async with panel(browser, demo, path="/units") as page:
        await open_unit(page, "5-2-303")
        await person(page, tenant["name"]).locator("[data-do=check_out]").click()
        lease = page.locator("cs-lease dialog")
        await expect(lease).to_be_visible()
        end = datetime.now(UTC).date() + timedelta(days=500)
        await register.ask(
            "renew_lease",
            unit_id=before["unit_id"],
            lease_id=tenant["lease_id"],
            end=end.isoformat(),
        )
        await lease.get_by_role("button", name="Check out").click()
        await expect(lease).to_contain_text("Somebody has changed this meanwhile")
        await expect(lease).to_contain_text("lease renewed")
        await expect(lease).to_contain_text(f"{end:%b} {end.day}, {end:%Y}")
        (now,) = (await register.unit("5-2-303"))["people"]
        assert now["left_on"] is None
        await lease.get_by_role("button", name="Leave it as it is now").click()
        await expect(person(page, tenant["name"])).to_contain_text(str(end.year))

        # A unit: each field that both have changed is chosen.
        await page.locator("[data-do=update_unit]").click()
        change = page.locator("cs-change dialog")
        await change.get_by_label("Address").fill("Mine street")
        await change.get_by_label("Rooms").fill("4")
        await register.ask(
            "update_unit",
            unit_id=before["unit_id"],
            address="Their street",
            letting="whole",
        )
        await change.get_by_role("button", name="Save").click()
        clash = change.locator("[data-field]")
        await expect(clash).to_have_count(1)
        await expect(clash).to_contain_text("Mine: Mine street")
        await expect(clash).to_contain_text("Theirs: Their street")
        await clash.get_by_label("Theirs").check()
        await change.get_by_role("button", name="Save").click()
        await expect(page.locator("cs-unit .head").first).to_contain_text(
            "Their street"
        )
        after = await register.unit("5-2-303")
        assert (after["address"], after["rooms"], after["letting"]) == (
            "Their street",
            4,
            "whole",
        )


async def test_reveal(browser: Browser, demo: Demo, register: Register) -> None:
    """E3: no full number anywhere before it is asked for; one audit row; gone after a minute."""
    index = UNITS.index("6-1-202")
    frames: list[str] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda data: frames.append(str(data)))

    found = await register.unit("6-1-202")
    key = found["people"][0]["person_id"]
    async with panel(browser, demo) as page:
        page.on("websocket", listen)
        await page.reload()
        await expect(page.locator("[data-page=units]")).to_be_visible()
        await open_unit(page, "6-1-202")
        await page.get_by_role("link", name=NAMES[index]).click()
        shown = page.locator("cs-person")
        await expect(shown.locator("h1")).to_have_text(NAMES[index])
        await expect(shown).to_contain_text(f"*{number(index)[-4:]}")
        assert frames
        assert not any(number(index) in frame for frame in frames)
        await page.clock.install()
        await shown.locator("[data-do=reveal]").click()
        await shown.locator("[data-reason=request]").click()
        await expect(shown.locator(".target").first).to_have_text(number(index))
        rows = await register.audited(person_id=key, about="request")
        assert rows == ["get_person_revealed"]
        await page.clock.fast_forward(61_000)
        await expect(shown.locator("[data-do=reveal]")).to_be_visible()
        await expect(shown).not_to_contain_text(number(index))
        stored = await page.evaluate(
            "JSON.stringify({...localStorage, ...sessionStorage})"
        )
        assert NAMES[index] not in stored
        assert number(index)[-8:] not in stored


async def test_person(browser: Browser, demo: Demo, register: Register) -> None:
    """Consents are given and revoked, a test message goes out, a duplicate is merged."""
    await register.ask(
        "check_in",
        unit_id=(await register.unit("7-1-101"))["unit_id"],
        name="<b>Mark</b> Two",
        phone="13900000002",
        confirmed=True,
    )
    await register.ask(
        "check_in",
        unit_id=(await register.unit("7-1-102"))["unit_id"],
        name="<b>Mark</b> Two",
        phone="13900000003",
        confirmed=True,
    )
    async with panel(browser, demo, path="/units") as page:
        await page.locator("[data-do=pairs]").click()
        pair = page.locator("[data-pair]").filter(has_text="<b>Mark</b> Two")
        await expect(pair).to_contain_text("7-1-101 Tenant")
        await expect(pair).to_contain_text("7-1-102 Tenant")
        await open_unit(page, "7-1-101")
        await page.get_by_role("link", name="<b>Mark</b> Two").click()
        shown = page.locator("cs-person")
        # What people are called is text.
        await expect(shown.locator("h1")).to_have_text("<b>Mark</b> Two")
        await shown.locator("[data-do=consents]").click()
        await shown.locator("[data-do=consent]").click()
        sheet = page.locator("cs-consent dialog")
        await sheet.get_by_label("To what").select_option("photos")
        await sheet.get_by_label("Name").fill("Mark Three")
        await sheet.get_by_role("button", name="Write down").click()
        # Nobody could tell them.
        await expect(sheet.locator("[name=contact]")).to_have_attribute(
            "aria-invalid", "true"
        )
        await sheet.locator("[name=contact_phone]").fill("13900000004")
        await sheet.get_by_role("button", name="Write down").click()
        consent = shown.locator("[data-scope=photos]")
        await expect(consent).to_contain_text("tells Mark Three")
        revoke = consent.locator("[data-do=revoke] button")
        await revoke.click()
        await expect(consent).to_be_visible()
        await revoke.click()
        await expect(consent).to_have_count(0)

        await shown.locator("[data-do=test]").click()
        await expect(shown.get_by_role("status")).to_contain_text("Test messages: 1")

        await shown.locator("[data-do=twins]").click()
        keep = shown.locator(".side").first.get_by_role("button")
        await keep.click()
        await keep.click()
        await expect(shown).to_contain_text("They are one now.")
        await expect(shown.get_by_role("link", name="7-1-102")).to_be_visible()


async def test_police_see_masks_and_no_button(
    browser: Browser, demo: Demo, register: Register
) -> None:
    """They say why, see who is there by a first sign and four digits, and change nothing."""
    index = UNITS.index("8-1-101")
    async with panel(browser, demo, POLICE) as page:
        await page.locator("[data-page=units]").click()
        await page.locator("[data-reason=inspection]").click()
        await expect(page.locator("cs-units tbody tr").first).to_be_visible()
        await open_unit(page, "8-1-101")
        row = page.locator("cs-unit li.person")
        await expect(row).to_contain_text(f"{NAMES[index][0]}**")
        await expect(row).to_contain_text(f"*{number(index)[-4:]}")
        await expect(page.locator("cs-unit")).not_to_contain_text(NAMES[index])
        names = await page.locator("cs-unit").get_by_role("button").all_text_contents()
        assert [name.strip() for name in names] == ["Another reason"]
        await row.get_by_role("link").click()
        await expect(page.locator("cs-person h1")).to_have_text(f"{NAMES[index][0]}**")
        names = (
            await page.locator("cs-person").get_by_role("button").all_text_contents()
        )
        assert [name.strip() for name in names] == ["Another reason"]
        assert await page.locator("[data-page=audit]").count() == 0
        rows = await register.audited(about="inspection")
        assert {"get_unit", "get_person"} <= set(rows)


async def test_help_stays(browser: Browser, demo: Demo, story: Story) -> None:
    """A6 B4: who calls for help is in the strip until staff closes it, whoever says what."""
    name = next(row.names[0] for row in RESIDENTS if row.id == "1-1-202-tenant-2")
    async with panel(browser, demo) as page:
        await story.do("smoke", "1-1-202")
        await expect(card(page, "1-1-202")).to_contain_text("NEW")
        await expect(card(page, "1-1-202")).to_contain_text("No answer")
        await story.do("answer", "1-1-202-tenant-2", way="push", word="need_help")
        strip = page.locator(".calls li")
        await expect(strip).to_contain_text("1-1-202, Tenant 2: needs help since")
        await story.do("answer", "1-1-202-landlord", way="push", word="on_my_way")
        await expect(card(page, "1-1-202")).to_contain_text("On my way 1")
        await expect(strip).to_have_count(1)
        await story.do("answer", "1-1-202-tenant-2", way="push", word="safe")
        await card(page, "1-1-202").get_by_role("link", name="Open").click()
        people = page.locator("cs-incident .people")
        await expect(people).to_contain_text("Safe now, asked for help")
        await expect(people).to_contain_text(re.compile(r"App ok"))
        # Who that is, is told to who asks, and is in the audit.
        await expect(people).not_to_contain_text(name)
        await people.locator("[data-do=names]").click()
        await expect(people).to_contain_text(name)
        again = people.locator("[data-do=tell_again] button")
        await again.click()
        await expect(again).to_contain_text("Press again")
        await again.click()
        # Twice in half a minute is refused.
        await expect(people).to_contain_text(re.compile("Done|told a moment ago"))
        await expect(strip).to_have_count(1)
        await people.get_by_role("button", name="Close…").click()
        sheet = page.locator("cs-help dialog")
        await sheet.get_by_label("They are safe").check()
        await sheet.get_by_label("What was found").fill("Seen at the gate")
        await sheet.get_by_role("button", name="Write down").click()
        await expect(strip).to_have_count(0)
        await story.do("clear", "1-1-202")


async def test_landlord_sees_own_flats_alone(
    browser: Browser, demo: Demo, story: Story, register: Register
) -> None:
    """H1 H2 H3: own flats and no incident of others; one tap answers, and stays as sent."""
    other = await register.unit("9-1-101")
    async with panel(browser, demo, LANDLORD, path="", size=PHONE) as page:
        flats = page.locator("cs-mine [data-unit]")
        await expect(flats).to_have_count(1)
        await expect(flats).to_contain_text(LANDLORDS_UNIT)
        await expect(flats).to_contain_text("No open alert")
        await expect(page.locator(".strip")).to_have_count(0)
        await story.do("smoke", LANDLORDS_UNIT)
        await expect(flats).to_contain_text("Smoke")
        await flats.locator("[data-answer=need_help]").click()
        await expect(flats).to_contain_text("Your call for help is sent")
        await flats.locator("[data-answer=on_my_way]").click()
        await expect(flats).to_contain_text("You answered: I'm on my way")
        await expect(flats).to_contain_text("Your call for help is sent")
        await flats.get_by_role("link", name="Power and alarms").click()
        await expect(page.locator("cs-incident h1")).to_have_text(LANDLORDS_UNIT)
        await expect(page.locator("cs-incident [data-action=restore]")).to_be_visible()
        await expect(page.locator("cs-incident [data-action=reset]")).to_have_count(0)
        await story.do("clear", LANDLORDS_UNIT)

        await page.locator("cs-incident .back").click()
        # What is over stays readable for a year, people as roles.
        run = json.loads((demo.config.parent / "run.json").read_text())
        async with HomeAssistant(run["port"], run["token"]) as hass:
            await hass.connect()
            unit_id = await flats.get_attribute("data-unit")
            told = await hass.action(
                "rental_units.alert", unit_id=unit_id, hazard="heat"
            )
            heat = flats.locator(".alert").filter(has_text="Heat")
            await heat.locator("[data-answer=safe]").click()
            await expect(heat).to_contain_text("You answered: I'm safe")
            await hass.action("rental_units.cancel_alert", alert_id=told["alert_id"])
            # Until it is gone, what is below may move from under the mouse.
            await expect(heat).to_have_count(0)
        await flats.get_by_text("Last 12 months").click()
        over = flats.locator(f"[data-alert='{told['alert_id']}']")
        await expect(over).to_contain_text("You answered: I'm safe")
        await expect(over).to_contain_text("Landlord 1: safe")
        await everybody_can(page, "past")
        await flats.get_by_role("link", name=LANDLORDS_UNIT).click()
        await expect(page.locator("cs-unit h1")).to_have_text(LANDLORDS_UNIT)
        path = f"/safety/unit/{other['unit_id']}"
        await page.evaluate(
            "(path) => { history.pushState(null, '', path);"
            " window.dispatchEvent(new CustomEvent('location-changed')) }",
            path,
        )
        await expect(page.locator("cs-unit [role=alert]")).to_contain_text(
            "Your account may not do this here"
        )
        # A second flat is there at once, and the role holds in it.
        mine = await register.unit(LANDLORDS_UNIT)
        owner = next(row for row in mine["people"] if row["role"] == "landlord")
        await register.ask(
            "check_in",
            unit_id=other["unit_id"],
            person_id=owner["person_id"],
            role="landlord",
            confirmed=True,
        )
        await page.locator("[data-page=mine]").click()
        await expect(flats).to_have_count(2)


async def test_duty_and_audit(
    browser: Browser, demo: Demo, register: Register, tmp_path: Path
) -> None:
    """Who is on duty now and in the next days; who did what, and what was refused."""
    async with panel(browser, demo, POLICE, path="/duty") as page:
        await page.evaluate(
            "(entry_id) => document.querySelector('home-assistant').hass.connection"
            ".sendMessagePromise({type: 'rental_units/roles', entry_id}).catch(() => null)",
            register.entry_id,
        )
    async with panel(browser, demo, path="/duty") as page:
        fire_post = page.locator("[data-duty=fire_post]")
        await expect(fire_post).to_contain_text("on duty now")
        await expect(fire_post.locator(".bars i")).to_have_count(1)
        await page.locator("[data-page=audit]").click()
        rows = page.locator("cs-audit tbody tr")
        await expect(rows.filter(has_text="Demo").first).to_be_visible()
        await page.get_by_label("Reason").select_option("refused")
        await expect(rows.first).to_contain_text("Refused:")
        async with page.expect_download() as download:
            await page.locator("cs-audit [data-do=save]").click()
        path = tmp_path / "audit.csv"
        await (await download.value).save_as(path)
        saved = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))
        assert len(saved) == await rows.count() + 1
        assert "Refused: Listed roles" in {row[2] for row in saved}


HEAD = "building,stairwell,number,address,role,name,phone,schedule"


async def choose(page: Page, *rows: str, heading: str = HEAD) -> None:
    """Choose a file with these rows, and wait until it was compared."""
    content = "\n".join((heading, *rows)).encode()
    await page.locator("cs-import input[type=file]").set_input_files(
        {"name": "register.csv", "mimeType": "text/csv", "buffer": content}
    )
    await expect(page.locator("cs-import .preview")).to_be_visible()


async def test_import_and_export(
    browser: Browser, demo: Demo, register: Register, tmp_path: Path
) -> None:
    """F4: what a file would change is shown cell by cell, and done as shown, or not at all."""
    index = UNITS.index("12-1-101")
    known = f"12,1,101,New street,tenant,{NAMES[index]},{number(index)},"
    new = "30,1,101,Xingqiao 30-1-101,tenant,<b>Mark</b> Five,13900000005,"
    async with panel(browser, demo, path="/import") as page:
        shown = page.locator("cs-import")
        apply = shown.locator("[data-do=import]")
        await choose(page, known, "30,1,101,,tenant,Mark Five,12,")
        # The cell, what stands there, and what is allowed.
        await expect(shown.locator(".errors li")).to_have_text(
            re.compile(r"G3 \(phone\) “12”: .+")
        )
        await expect(shown.locator("[data-status=refused]")).to_contain_text("1")
        await expect(apply).to_be_disabled()

        await choose(page, known, new)
        await expect(shown.locator("[data-status=changed]")).to_contain_text("1")
        row = shown.locator("tbody tr")
        await expect(row).to_contain_text("12-1-101")
        await expect(row).to_contain_text("Address Xingqiao 12-1-101 → New street")
        await shown.locator("[data-status=added]").click()
        # What stands in a file is text.
        await expect(row).to_contain_text("<b>Mark</b> Five")
        # Somebody is faster: what it would do now is shown before it is done.
        before = await register.unit("12-1-101")
        await register.ask(
            "update_unit", unit_id=before["unit_id"], address="Their street"
        )
        await apply.click()
        await expect(shown).to_contain_text("The register has changed meanwhile")
        await shown.locator("[data-status=changed]").click()
        await expect(row).to_contain_text("Address Their street → New street")
        assert (await register.unit("12-1-101"))["address"] == "Their street"
        await apply.click()
        await expect(shown).to_contain_text("Imported: 1 new, 1 changed.")
        assert (await register.unit("12-1-101"))["address"] == "New street"
        (tenant,) = (await register.unit("30-1-101"))["people"]
        assert tenant["name"] == "<b>Mark</b> Five"

        await choose(page, known, new)
        await expect(shown).to_contain_text("The register says all of this already")
        await expect(apply).to_be_disabled()

        await shown.locator("[data-format=csv]").click()
        async with page.expect_download() as download:
            await shown.locator("[data-reason=inspection]").click()
        path = tmp_path / "register.csv"
        await (await download.value).save_as(path)
        text = path.read_text("utf-8-sig")
        assert NAMES[index] in text
        assert number(index)[-8:] in text
        assert "export_register" in await register.audited(about="inspection")
        await expect(shown).to_contain_text("The file was saved.")


async def test_roles(browser: Browser, demo: Demo, register: Register) -> None:
    """A role is given until a day, or in somebody's units; it holds, is shown, and is taken."""
    last = datetime.now(UTC).date() + timedelta(days=30)
    day = f"{last:%b} {last.day}, {last:%Y}"
    index = UNITS.index("13-1-101")
    async with (
        panel(browser, demo, path="/roles") as page,
        panel(browser, demo, POLICE) as open_before,
    ):
        await expect(open_before.locator("[data-page=units]")).to_be_visible()
        await expect(open_before.locator("[data-page=import]")).to_have_count(0)
        shown, sheet = page.locator("cs-roles"), page.locator("cs-role dialog")
        rows = shown.locator("tbody tr")
        await expect(rows.filter(has_text="Landlord")).to_contain_text(LANDLORDS_UNIT)
        await expect(rows.filter(has_text="Police")).to_contain_text("whole property")
        before = await rows.count()
        await shown.locator("[data-do=give]").click()
        give = sheet.get_by_role("button", name="Give", exact=True)
        await expect(give).to_be_disabled()
        await sheet.get_by_label("Account").select_option("Police")
        await sheet.get_by_label("Role").select_option("desk")
        await sheet.get_by_label("Until").fill(last.isoformat())
        await give.click()
        desk = rows.filter(has_text="Desk clerk")
        await expect(desk).to_contain_text(day)
        # Nobody has to load the page anew for that.
        await expect(open_before.locator("[data-page=import]")).to_be_visible()
        # Roles are the administrators': the page is not offered, nor shown.
        await expect(open_before.locator("[data-page=roles]")).to_have_count(0)

        await desk.locator("[data-do=as]").click()
        seen = page.locator("cs-as dialog")
        pages = await open_before.locator("cs-navigation [data-page]").all()
        titles = [str(await row.text_content()).strip() for row in pages]
        await expect(seen.locator("ol li")).to_have_count(len(titles))
        for title in titles:
            await expect(seen.locator("ol")).to_contain_text(title)
        await expect(seen).to_contain_text("check people in and out")
        await expect(seen).to_contain_text("first page")
        await everybody_can(page, "see as")
        await page.keyboard.press("Escape")

        await desk.locator("[data-do=until]").click()
        await sheet.get_by_label("Until").fill("")
        await sheet.get_by_role("button", name="Save").click()
        await expect(desk).to_contain_text("until it is taken")
        await desk.locator("[data-do=take] button").click()
        await expect(desk).to_have_count(1)
        await desk.locator("[data-do=take] button").click()
        await expect(desk).to_have_count(0)
        await expect(open_before.locator("[data-page=import]")).to_have_count(0)
        await expect(open_before.locator("[data-page=units]")).to_be_visible()

        # A landlord is somebody of the register.
        await shown.locator("[data-do=give]").click()
        await sheet.get_by_label("Account").select_option("Police")
        await sheet.get_by_label("Role").select_option("resident")
        await expect(give).to_be_disabled()
        await sheet.get_by_label("Name or last digits").fill(number(index)[-5:])
        await sheet.get_by_role("button", name="Take").click()
        await give.click()
        resident = rows.filter(has_text="Resident")
        await expect(resident.get_by_role("link", name="13-1-101")).to_be_visible()
        await resident.locator("[data-do=take] button").click()
        await resident.locator("[data-do=take] button").click()
        await expect(rows).to_have_count(before)
        assert (await register.audited())[:8].count("revoke_role") == 2


class Late(Line):
    """A connection to a Home Assistant that has not set up our integrations yet."""

    def __init__(self) -> None:
        """Initialize; nothing of ours is there."""
        super().__init__()
        self.is_there = False
        self._page: WebSocketRoute | None = None
        self._asked: list[int] = []

    @override
    async def connect(self, socket: WebSocketRoute) -> None:
        """Answer what asks for our commands as Home Assistant does that does not know them."""
        self._page, server = socket, socket.connect_to_server()

        def ask(text: str | bytes) -> None:
            found = json.loads(text)
            for message in found if isinstance(found, list) else [found]:
                kind = message["type"]
                if message.get("event_type") == "component_loaded":
                    self._asked.append(message["id"])
                if self.is_there or not kind.startswith(OURS):
                    server.send(json.dumps(message))
                else:
                    error = {"code": "unknown_command", "message": "Unknown command."}
                    answer = {"type": "result", "success": False, "error": error}
                    socket.send(json.dumps({**answer, "id": message["id"]}))

        def tell(text: str | bytes) -> None:
            found = json.loads(text)
            for message in found if isinstance(found, list) else [found]:
                result = message.get("result")
                if isinstance(result, dict) and "components" in result:
                    result["components"] = [
                        name for name in result["components"] if name not in DOMAINS
                    ]
                socket.send(json.dumps(message))

        socket.on_message(ask)
        server.on_message(tell)

    async def set_up(self) -> None:
        """Let our integrations be there, and say so."""
        self.is_there = True
        for name in DOMAINS:
            event = {"event_type": "component_loaded", "data": {"component": name}}
            assert self._page
            for number in self._asked:
                message = {"id": number, "type": "event", "event": event}
                self._page.send(json.dumps(message))


async def test_loaded_after_the_panel(
    browser: Browser, demo: Demo, story: Story
) -> None:
    """What is set up while the panel is open is there at once, and not after a pause or a reload."""
    line = Late()
    async with panel(browser, demo, line=line) as page:
        failed = page.locator(".age.stale").filter(has_text="Unknown command")
        await expect(failed).to_be_visible()
        await expect(page.locator("[data-page=units]")).to_have_count(0)
        # By now it is asked again every eight seconds at the most.
        await page.wait_for_timeout(6500)
        await line.set_up()
        await expect(page.locator(".strip .live")).to_contain_text("Live", timeout=4000)
        await expect(failed).to_have_count(0)
        await expect(page.locator("[data-page=units]")).to_be_visible(timeout=4000)


async def test_removed_and_brought_back(
    browser: Browser, demo: Demo, register: Register
) -> None:
    """Who has left, and a unit that was removed, come back; who is erased does not."""
    index = UNITS.index("11-1-101")
    async with panel(browser, demo, path="/units") as page:
        await open_unit(page, "11-1-101")
        unit = page.locator("cs-unit")
        await person(page, NAMES[index]).locator("[data-do=check_out]").click()
        await page.locator("cs-lease").get_by_role("button", name="Check out").click()
        await expect(person(page, NAMES[index])).to_have_count(0)
        # Found again later, without the button that undoes the last deed.
        await page.locator("[data-page=units]").click()
        await open_unit(page, "11-1-101")
        await unit.locator("[data-do=left]").click()
        left = unit.locator("[data-left]")
        await expect(left).to_contain_text(NAMES[index])
        await left.locator("[data-do=bring_back]").click()
        await expect(person(page, NAMES[index])).to_be_visible()
        await expect(left).to_have_count(0)

        await unit.locator("[data-do=remove_unit]").click()
        sheet = page.locator("cs-remove dialog")
        await expect(sheet).to_contain_text("People in it: 1")
        await sheet.get_by_role("button", name="Remove the unit").click()
        await expect(unit).to_contain_text("11-1-101 was removed.")
        await unit.get_by_role("link", name="All units").click()
        await page.locator("cs-units [data-do=removed]").click()
        removed = page.locator("cs-units [data-removed]")
        await expect(removed).to_contain_text("with 1 people")
        await removed.locator("[data-do=restore_unit]").click()
        await expect(page.locator("cs-units")).to_contain_text("11-1-101 is back")
        await open_unit(page, "11-1-101")

        await page.get_by_role("link", name=NAMES[index]).click()
        shown = page.locator("cs-person")
        await shown.locator("[data-do=erase]").click()
        sheet = page.locator("cs-erase dialog")
        await expect(sheet).to_contain_text("They are still registered in: 11-1-101")
        erase = sheet.get_by_role("button", name="Erase for good")
        await expect(erase).to_be_disabled()
        await sheet.locator("[name=typed]").fill(NAMES[index][:-1])
        await expect(erase).to_be_disabled()
        await sheet.locator("[name=typed]").fill(NAMES[index])
        await erase.click()
        await expect(shown).to_contain_text("Erased for good.")
        assert NAMES[index] not in await page.content()
        assert (await register.unit("11-1-101"))["people"] == []
        assert "erase_person" in await register.audited(about="request")

        await page.locator("[data-page=units]").click()
        await page.locator("cs-units [data-do=add_unit]").click()
        sheet = page.locator("cs-change dialog")
        for label, value in (("Building", "31"), ("Number", "101"), ("Rooms", "2")):
            await sheet.get_by_label(label).fill(value)
        await sheet.get_by_role("button", name="Save").click()
        await expect(page.locator("cs-unit h1")).to_have_text("31-101")


async def test_gap_among_the_incidents(
    browser: Browser, demo: Demo, register: Register
) -> None:
    """G1: that nobody will be on duty is a fault where incidents are, as long as it is so."""
    whole = {
        day: [{"from": "00:00:00", "to": "24:00:00"}]
        for day in ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")
    }
    created = await register.hass.call("schedule/create", name="Fire post")
    post = next(row for row in RESIDENTS if row.role == "fire_post")
    name, *_ = post.names
    file = f"{HEAD}\n,,,,fire_post,{name},{post.number},schedule.fire_post"
    content = base64.b64encode(file.encode()).decode()
    preview = await register.ask("import_preview", content=content)
    assert preview["errors"] == []
    done = await register.ask("import_apply", content=content, digest=preview["digest"])
    assert done["imported"]
    async with panel(browser, demo) as page:
        row = page.locator("cs-register-notices li")
        await expect(row).to_contain_text("Fire post: nobody on duty")
        await row.get_by_role("link", name="Duty roster").click()
        await expect(page.locator("cs-duty .gaps")).to_contain_text("Fire post")
        await page.go_back()
        await expect(row).to_be_visible()
        await register.hass.call(
            "schedule/update",
            schedule_id=created["id"],
            name=created["name"],
            **{f"{day}day": hours for day, hours in whole.items()},
        )
        await expect(row).to_have_count(0)


@asynccontextmanager
async def chinese(
    browser: Browser,
    demo: Demo,
    path: str,
    user: str = POLICE,
    size: tuple[int, int] = PHONE,
) -> AsyncGenerator[Page]:
    """Return the control room of who reads Chinese."""
    async with panel(browser, demo, user, path=path, size=size) as page:
        await page.evaluate(SPEAK, "zh-Hans")
        try:
            await page.reload()
            await page.wait_for_function(IN_LANGUAGE, arg="zh-Hans")
            yield page
        finally:
            await page.evaluate(SPEAK, "en")


async def test_in_chinese(browser: Browser, demo: Demo, register: Register) -> None:
    """All of it is in the reader's language."""
    async with chinese(browser, demo, "/units") as page:
        await expect(page.get_by_text("查看原因", exact=True)).to_be_visible()
        await page.locator("[data-reason=inspection]").click()
        await expect(page.locator("cs-units li.card").first).to_contain_text("租客")
        text = await page.locator("cs-units").evaluate(SAID)
        assert "租客" in text
        assert not re.search("Units|Search|Lease|Tenant", text)


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_files_and_roles_in_chinese(
    browser: Browser, demo: Demo, register: Register, size: tuple[int, int]
) -> None:
    """So are the pages of who keeps the register, on a phone and on a desk."""
    unit = await register.unit("14-1-101")
    key = unit["people"][0]["person_id"]
    ours = (
        "Import|Export|Row|Refused|New|Changed|Role|Account|Remove|Erase|People|Until"
    )
    async with chinese(browser, demo, "/import", USER, size) as page:

        async def read(place: str, words: str) -> None:
            text = await page.locator(place).evaluate(SAID)
            assert words in text
            assert not re.search(ours, text), text
            assert await page.evaluate(
                "document.documentElement.scrollWidth <= window.innerWidth"
            ), place

        await choose(
            page,
            "14,1,101,新街 1 号,租客,甲,13900000008,",
            "32,1,101,,tenant,甲甲,12,",
        )
        await read("cs-import", "有误")
        await page.locator("[data-status=added]").click()
        await read("cs-import", "14-1-101")
        for path, ready, do, words in (
            ("/roles", "cs-roles [data-grant]", "give", "整个小区"),
            ("/units", "cs-units [data-do=add_unit]", "add_unit", "全部"),
            (f"/unit/{unit['unit_id']}", "cs-unit li.person", "remove_unit", "租客"),
            (f"/person/{key}", "cs-person .addresses li", "erase", "租约"),
        ):
            await page.evaluate(
                "(path) => { history.pushState(null, '', `/safety${path}`);"
                " window.dispatchEvent(new CustomEvent('location-changed')) }",
                path,
            )
            await expect(page.locator(ready).first).to_be_visible()
            await read(ready.split()[0], words)
            await page.locator(f"[data-do={do}]").first.click()
            dialog = page.locator("cs-register dialog")
            await expect(dialog).to_be_visible()
            assert not re.search(ours, await dialog.evaluate(SAID))
            await page.keyboard.press("Escape")
            await expect(dialog).to_have_count(0)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_everybody_can_use_it(
    browser: Browser, demo: Demo, register: Register, size: tuple[int, int], dark: bool
) -> None:
    """What axe finds on each page and in each form: fingers, contrast, names; nothing sideways."""
    unit = await register.unit("1-1-201")
    who = unit["people"][0]["person_id"]
    async with panel(browser, demo, path="/units", size=size, dark=dark) as page:
        check = partial(everybody_can, page)

        async def go(path: str, ready: str) -> None:
            await page.evaluate(
                "(path) => { history.pushState(null, '', `/safety${path}`);"
                " window.dispatchEvent(new CustomEvent('location-changed')) }",
                path,
            )
            await expect(page.locator(ready).first).to_be_visible()
            await check(path)

        await go("/units", "cs-units tbody tr, cs-units li.card")
        await page.get_by_role("searchbox").fill("tenant")
        await expect(page.locator(".results a").first).to_be_visible()
        await check("results")
        await go(f"/unit/{unit['unit_id']}", "cs-unit li.person")
        for sheet in (
            *("check_in", "update_unit", "renew_lease", "check_out", "move"),
            "remove_unit",
        ):
            await page.locator(f"[data-do={sheet}]").first.click()
            await expect(page.locator("cs-unit dialog")).to_be_visible()
            await check(sheet)
            await page.keyboard.press("Escape")
            await expect(page.locator("cs-unit dialog")).to_have_count(0)
        await page.locator("cs-unit [data-do=left]").click()
        await go(f"/person/{who}", "cs-person .addresses li")
        await page.locator("[data-do=erase]").click()
        await expect(page.locator("cs-erase dialog")).to_be_visible()
        await check("erase")
        await page.keyboard.press("Escape")
        await page.locator("[data-do=round]").click()
        await expect(page.locator("cs-round-of section")).to_be_visible()
        await check("round")
        await go("/import", "cs-import input[type=file]")
        await choose(page, "1,1,201,Somewhere else,,,,", "33,1,101,,tenant,Mark,12,")
        await check("refused")
        await page.locator("[data-status=changed]").click()
        await check("changed")
        await page.locator("[data-format=xlsx]").click()
        await check("why")
        await go("/roles", "cs-roles [data-grant]")
        await page.locator("[data-do=give]").click()
        await page.locator("cs-role select[name=role]").select_option("landlord")
        await expect(page.locator("cs-role [name=find]")).to_be_visible()
        await check("role")
        await page.keyboard.press("Escape")
        await go("/duty", "cs-duty [data-duty]")
        await go("/audit", "cs-audit tbody tr, cs-audit li.box")
        await go("/places", "cs-places tbody tr")
        await page.locator("cs-places tbody tr a").first.click()
        await expect(page.locator("cs-place h1")).to_be_visible()
        await check("place")
        for sheet in ("visit_place", "save_place", "put_place_party"):
            await page.locator(f"cs-place [data-do={sheet}]").click()
            await expect(page.locator("cs-place dialog")).to_be_visible()
            await check(sheet)
            await page.keyboard.press("Escape")
            await expect(page.locator("cs-place dialog")).to_have_count(0)
        await go("/care", "cs-care .box")
        await go(f"/care/{who}", "cs-care-start [data-unit]")
        # What was tried before may have given them another flat.
        await page.locator("cs-care-start [data-unit]").first.click()
        await expect(page.locator("cs-care-start [name=agrees]")).to_be_visible()
        await check("care_start")
        await go("/rounds", "cs-rounds [data-round]")
        await page.locator("cs-rounds [data-do=record_visit]").first.click()
        await expect(page.locator("cs-record-visit dialog")).to_be_visible()
        await check("record_visit")
        await page.keyboard.press("Escape")
        await go("/desk", "cs-desk [data-exports]")
        await page.locator("cs-desk [data-do=check_in_at_desk]").click()
        await expect(page.locator("cs-arrive dialog")).to_be_visible()
        await check("arrive")
        await page.keyboard.press("Escape")
        await go("/reports", "cs-reports .box")
        await go("/searches", "cs-searches .box")
        await page.locator("[data-kind=lost_child]").click()
        await page.locator("cs-searches [name=who]").fill("A lost child")
        await page.locator("cs-searches [name=authority]").fill("placeholder")
        await check("open_case")
        await page.locator("[data-do=open_case]").click()
        await expect(page.locator("cs-case [data-do=look]")).to_be_visible()
        await check("case")


def home_assistant(demo: Demo) -> int:
    """Return the process of the demo's Home Assistant."""
    run = json.loads((demo.config.parent / "run.json").read_text())
    children = Path(f"/proc/{run['pid']}/task/{run['pid']}/children").read_text()
    (found,) = [
        int(pid)
        for pid in children.split()
        if b"-mhomeassistant"
        in Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b"")
    ]
    return found


async def opens(story: Story, door: str, card: int) -> bool:
    """Hold a card before a reader; return if it opens."""
    answer = await story.do("swipe", door, card=str(card))
    return bool(answer["granted"])


async def comes_to(page: Page, card: Locator, state: str) -> float:
    """Look at a card until it has come to something; return after how many seconds."""
    begun = time.monotonic()
    while await card.get_attribute("data-state") != state:
        assert time.monotonic() - begun < 60, await card.text_content()
        await page.locator("cs-cards [data-do=look-again]").click()
        await page.wait_for_timeout(500)
    return time.monotonic() - begun


async def check_in(page: Page, unit: str, name: str, end: str | None = None) -> None:
    """Check somebody in, and go to their page."""
    await open_unit(page, unit)
    sheet = page.locator("cs-check-in dialog")
    await page.locator("cs-unit [data-do=check_in]").click()
    await sheet.get_by_label("Name").fill(name)
    if end:
        await sheet.locator("[name=end]").fill(end)
    await sheet.get_by_role("button", name="Check in").click()
    await page.get_by_role("link", name=name).click()
    await expect(page.locator("cs-person h1")).to_have_text(name)


async def issue(page: Page, number: int) -> Locator:
    """Give the person whose page it is a card; return it, once it is proven at each door."""
    await page.locator("cs-cards [data-do=cards]").click()
    await page.locator("cs-cards [data-do=issue]").click()
    sheet = page.locator("cs-issue-card dialog")
    await sheet.get_by_label("Number on the card").fill(str(number))
    await sheet.locator("button[type=submit]").click()
    card = page.locator("cs-cards li[data-card]").first
    await comes_to(page, card, "active")
    return card


async def test_a_card_from_check_in_until_it_is_gone(
    browser: Browser, demo: Demo, story: Story
) -> None:
    """A tenant passes own doors and no others; who has left is refused, proven within a minute."""
    mine, number = ("1-2", "gate"), 10058477
    async with panel(browser, demo, path="/units") as page:
        await check_in(page, "1-2-101", NAMES[-17])
        card = await issue(page, number)
        assert [await opens(story, door, number) for door in mine] == [True, True]
        # Neither at the other door of the same board, nor in the other building.
        for door in ("1-1", "2-1"):
            assert not await opens(story, door, number)
        assert str(number) not in await page.content()
        await card.locator("[data-do=where]").click()
        places = card.locator(".places li")
        await expect(places).to_have_count(2)
        for place in await places.all():
            await expect(place).to_contain_text("opens, read back")

        where = page.url
        await open_unit(page, "1-2-101")
        await person(page, NAMES[-17]).locator("[data-do=check_out]").click()
        lease = page.locator("cs-lease dialog")
        await lease.get_by_role("button", name="Check out").click()
        await expect(person(page, NAMES[-17])).to_have_count(0)
        left = time.monotonic()
        await page.goto(where)
        await page.locator("cs-cards [data-do=cards]").click()
        await comes_to(page, card, "expired")
        assert time.monotonic() - left < 60
        await card.locator("[data-do=where]").click()
        await expect(places).to_have_count(2)
        for place in await places.all():
            await expect(place).to_contain_text("does not open, read back")
        for door in mine:
            assert not await opens(story, door, number)


async def test_a_lost_child_in_three_taps(
    browser: Browser, demo: Demo, story: Story
) -> None:
    """From *Search* to where they were last, over three doors and a gate; then by how they look."""
    number = 10058479
    async with panel(browser, demo, path="/units") as page:
        await check_in(page, "1-2-101", NAMES[-21])
        await issue(page, number)
    assert await story.lose_child(str(number)) == 0
    async with panel(browser, demo, path="/searches", size=PHONE) as page:
        await expect(page.locator("[data-kind=lost_child]")).to_be_visible()
        await page.evaluate(
            "() => { window.taps = 0;"
            " addEventListener('click', (event) => { window.taps += event.detail }, true) }"
        )
        await page.locator("[data-kind=lost_child]").click()
        await page.locator("cs-searches [name=who]").fill(NAMES[-21])
        hit = page.locator("cs-searches [data-person]").first
        await expect(hit).to_contain_text(NAMES[-21])
        await hit.click()
        await page.locator("cs-searches [name=description]").fill("Red jacket")
        await page.locator("cs-searches [name=authority]").fill("placeholder")
        await page.locator("[data-do=open_case]").click()
        last = page.locator("cs-case .last .where")
        await expect(last).to_contain_text("gate", ignore_case=True)
        assert await page.evaluate("window.taps") == 3
        await expect(page.locator("cs-case [data-sighting]")).to_have_count(4)
        assert str(number) not in await page.content()
        for name, word in (
            ("category", "person"),
            ("colour", "red"),
            ("age_group", "child"),
        ):
            await page.locator(f"cs-case select[name={name}]").select_option(word)
        await page.locator("cs-case [data-do=look]").click()
        await expect(last).to_contain_text("shed", ignore_case=True)
        await expect(page.locator("cs-case [data-sighting]").first).to_contain_text(
            "Person · Red · Child"
        )
        await everybody_can(page, "case")
        close = page.locator("cs-case [data-do=close-found] button")
        await close.click()
        await close.click()
        await expect(page.locator("cs-case [data-do=look]")).to_have_count(0)


async def test_a_watch_from_its_beginning_to_its_end(
    browser: Browser, demo: Demo, register: Register
) -> None:
    """From the person's page: by what they are heard, who is told, and how it stands; gone when it is ended."""
    title = "9-2-101"
    unit = await register.unit(title)
    who = unit["people"][0]
    state = re.compile("watching|suspended")
    async with panel(browser, demo, path=f"/person/{who['person_id']}") as page:
        own = page.locator("cs-person").get_by_role("link", name="Signs of life")
        await own.click()
        form = page.locator("cs-care-start")
        begin = form.locator("[data-do=start]")
        await expect(begin).to_be_disabled()
        entity = await page.evaluate(ENTITY)
        await form.locator("[name=entity]").fill(entity)
        await form.locator("[data-do=add-entity]").click()
        await expect(form.locator(f"[data-entity='{entity}']")).to_be_visible()
        await form.locator("[name=name]").fill("Mark Relative")
        await form.locator("[name=phone]").fill("13900000031")
        await form.locator("[data-do=add-contact]").click()
        await form.locator("[name=agrees]").check()
        await begin.click()
        shown = page.locator("cs-watch")
        await expect(shown.locator("h1")).to_have_text(who["name"])
        await expect(shown.locator(".head [data-state]")).to_have_attribute(
            "data-state", state
        )
        await expect(shown).to_contain_text("What is usual is not known yet")
        await expect(shown).to_contain_text("Mark Relative")
        await everybody_can(page, "watch")
        table = shown.locator("details")
        await table.locator("summary").press("Enter")
        await expect(table.locator("tbody tr")).to_have_count(24)

        answer = shown.locator("[data-do=answer-out] button")
        await answer.press("Enter")
        await answer.press("Enter")
        await expect(shown.locator(".head [data-state]")).to_have_attribute(
            "data-state", "away"
        )
        await expect(shown).to_contain_text("That says nothing of how they are")
        await shown.locator("[data-do=end-away]").click()
        await expect(shown.locator("[data-do=end-away]")).to_have_count(0)
        await shown.get_by_label("Late").check()
        await expect(shown.get_by_role("status")).to_contain_text("Saved")
        where = page.url

        await page.locator("[data-page=care]").click()
        row = page.locator("cs-care [data-watch]").filter(has_text=title)
        await expect(row).to_contain_text(who["name"])
        await everybody_can(page, "care")
        async with panel(browser, demo, POLICE, path="/now") as other:
            assert await other.locator("[data-page=care]").count() == 0

        await page.goto(where)
        end = shown.locator("[data-do=revoke] button")
        await end.click()
        await end.click()
        await expect(shown).to_contain_text("what was learned is gone")
        await page.locator("[data-page=care]").click()
        await expect(row).to_have_count(0)
    rows = await register.audited(person_id=who["person_id"])
    assert {"care_start", "care_get", "care_answer", "care_revoke"} <= set(rows)


async def test_a_plate_of_somebody(browser: Browser, demo: Demo) -> None:
    """It is issued at the page of its holder, and shown by its last digits alone."""
    async with panel(browser, demo, path="/units") as page:
        await check_in(page, "1-2-101", NAMES[-19])
        await page.locator("cs-cards [data-do=cards]").click()
        await page.locator("cs-cards [data-do=issue-plate]").click()
        sheet = page.locator("cs-issue-plate dialog")
        # Without its province it is none in China: that is said, and can be mended.
        await sheet.get_by_label("Number plate").fill("A0T5M8")
        await sheet.locator("button[type=submit]").click()
        await expect(
            sheet.locator("[role=alert], [aria-invalid=true]").first
        ).to_be_visible()
        await sheet.get_by_label("Number plate").fill("浙A·0T5M8")
        await sheet.locator("button[type=submit]").click()
        card = page.locator("cs-cards li[data-card]").first
        await expect(card).to_contain_text("Vehicle")
        await expect(card).to_contain_text("••••5M8")
        assert "0T5M8" not in await card.inner_text()


async def test_refused_though_home_assistant_is_stopped(
    browser: Browser, demo: Demo, story: Story
) -> None:
    """The end is in the controllers: over the end of a lease nobody has to be there."""
    mine, number = ("1-2", "gate"), 10058478
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    async with panel(browser, demo, path="/units") as page:
        await check_in(page, "1-2-101", NAMES[-18], today.isoformat())
        await issue(page, number)
        assert [await opens(story, door, number) for door in mine] == [True, True]
        stopped = home_assistant(demo)
        os.kill(stopped, signal.SIGSTOP)
        try:
            await story.do("days", "1")
            assert [await opens(story, door, number) for door in mine] == [False, False]
            await story.do("days", "-1")
            # It was the day, and nothing else.
            assert [await opens(story, door, number) for door in mine] == [True, True]
        finally:
            os.kill(stopped, signal.SIGCONT)


async def test_doors_and_a_fire(
    browser: Browser, demo: Demo, story: Story, register: Register
) -> None:
    """Ways out open and are proven; a person alone locks them; whoever opens one says why."""
    # Who has called for help in earlier tests; what their fires have opened.
    for alert in (await register.hass.action("rental_units.get_alerts"))["alerts"]:
        if any(row["closed_at"] is None for row in alert["help"]):
            await register.hass.action(
                "rental_units.close_help", alert_id=alert["alert_id"], note="Seen to"
            )
    await story.clear("1-1-201", False)
    for state in await register.hass.call("get_states"):
        entity_id = state["entity_id"]
        if state["state"] == "unlocked":
            await register.hass.action("lock.lock", entity_id=entity_id)
        if state["state"] == "open" and entity_id.startswith("cover."):
            await register.hass.action("cover.close_cover", entity_id=entity_id)
    async with panel(browser, demo, path="/doors") as page:
        doors = page.locator("cs-doors a.door")

        def door(name: str, state: str) -> Locator:
            return page.locator(f"cs-doors a.door.{state}").filter(has_text=name)

        await expect(doors).to_have_count(6)
        await expect(door("1-1 entrance", "locked")).to_be_visible()
        await story.do("smoke", "1-1-201")
        for name in ("1-1 entrance", "1-2 entrance"):
            await expect(door(name, "released")).to_contain_text("proven")
        # By an automation: the fire brigade drives in.
        await expect(door("Vehicle gate", "unlocked")).to_contain_text("Held up")
        # Another building, and the grounds.
        for name in ("2-1 entrance", "East gate"):
            await expect(door(name, "locked")).to_be_visible()
        await everybody_can(page, "/doors")

        await page.locator("cs-navigation [data-page=map]").click()
        shown = page.locator("cs-map a.door.released").filter(has_text="1-1 entrance")
        await expect(shown).to_have_attribute(
            "aria-label", "1-1 entrance: Open for the fire, proven"
        )
        await shown.click()
        lock = page.locator("cs-doors [data-order=lock]")
        await expect(lock).to_be_disabled()
        await expect(lock).to_contain_text("it still burns")
        await story.clear("1-1-201", False)
        await expect(lock).to_be_enabled()
        await lock.click()
        sheet = page.locator("cs-doors dialog")
        await sheet.get_by_label("On site").check()
        await everybody_can(page, "lock")
        # Who cannot hold presses twice.
        await sheet.locator("cs-hold button").press("Enter")
        await sheet.locator("cs-hold button").press("Enter")
        head = page.locator("cs-doors header.head")
        await expect(head).to_contain_text("Locked, read back")
        log = page.locator("cs-doors .log li")
        await expect(log.first).to_contain_text("Locked")
        await expect(log.first).to_contain_text("by Demo")

        await page.locator("cs-doors [data-order=open]").click()
        await everybody_can(page, "open")
        await sheet.locator("[data-reason=visitor]").click()
        await expect(log.first).to_contain_text(
            re.compile("Opened once.*Visitor.*proven", re.DOTALL)
        )

        # What the register knows of it.
        await page.locator("cs-door-cards [data-do=door-cards]").click()
        await expect(page.locator("cs-door-cards")).to_contain_text("stairwell 1-1")
        await expect(page.locator("cs-door-cards [data-part=list]")).to_contain_text(
            "as it should be, read back"
        )
        await everybody_can(page, "door")
    async with panel(browser, demo, POLICE, path="/doors", size=PHONE) as page:
        await page.locator("cs-doors a.door").first.click()
        await expect(page.locator("cs-doors header.head h1")).to_be_visible()
        await expect(page.locator("cs-doors [data-order]")).to_have_count(0)
        await expect(page.locator("cs-door-cards")).to_have_count(0)
        await everybody_can(page, "read only")
