"""The answer page on a phone: a real browser, by day and by night."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright
import pytest
from sqlalchemy import select

from custom_components.rental_units.alerts.const import ANSWERS, About
from custom_components.rental_units.register.models import Person

from .conftest import House
from .providers import Provider

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]

#: A phone in CSS pixels, and the least that a finger in gloves and a hurry can hit.
WIDTH, HEIGHT = 390, 844
LEAST = 48
#: WCAG 2.2, 1.4.3.
CONTRAST = 4.5
COLOURS = """element => {
  const style = getComputedStyle(element)
  return [style.color, style.backgroundColor]
}"""


@pytest.fixture
async def phone(socket_enabled: None, chromium: str) -> AsyncGenerator[Page]:
    """Return a page of a phone's size."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"]
        )
        context = await browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHT}, has_touch=True, is_mobile=True
        )
        yield await context.new_page()
        await browser.close()


def luminance(colour: str) -> float:
    """Return the relative luminance of `rgb(r, g, b)`, as WCAG defines it."""
    parts = [int(part) / 255 for part in colour[4:-1].split(", ")]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts
    ]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(colours: list[str]) -> float:
    """Return the contrast of text on its background."""
    dark, light = sorted(map(luminance, colours))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_on_a_phone(
    house: House,
    sms: Provider,
    hass_client_no_auth: Any,
    phone: Page,
    tmp_path: Path,
    scheme: Any,
    language: str,
) -> None:
    """Large targets, one tap to the fire brigade, what was answered, and no glare at night."""
    house.hass.config.country = "CN"
    house.hass.config.language = language
    await house.entry.runtime_data.async_run(
        lambda session: [
            setattr(person, "language", language) for person in people(session)
        ]
    )
    await house.alert(hazard="smoke", audience=["tenants"])
    await house.settled()
    token = next(iter(house.engine.dispatcher.by_token))
    client = await hass_client_no_auth()
    await phone.emulate_media(color_scheme=scheme)
    await phone.goto(str(client.make_url(f"/api/r/{token}")))
    await looks_right(phone, scheme, len(ANSWERS[About.PLACE]) + 1)
    call = phone.locator("a")
    assert await call.get_attribute("href") == "tel:119"
    assert "119" in await call.inner_text()
    assert await phone.locator("button[aria-pressed=true]").count() == 0
    await phone.screenshot(path=tmp_path / "asked.png", full_page=True)

    await phone.locator("button[value=need_help]").tap()
    await phone.wait_for_selector("button", state="detached")
    await looks_right(phone, scheme, 1)
    await phone.screenshot(path=tmp_path / "answered.png", full_page=True)
    await phone.goto(str(client.make_url(f"/api/r/{token}")))
    pressed = phone.locator("button[aria-pressed=true]")
    assert await pressed.get_attribute("value") == "need_help"
    assert await pressed.inner_text() in await phone.locator("p").last.inner_text()
    await phone.screenshot(path=tmp_path / "again.png", full_page=True)
    await phone.goto(str(client.make_url("/api/r/nonsense")))
    await looks_right(phone, scheme, 1)
    await phone.screenshot(path=tmp_path / "over.png", full_page=True)


def people(session: Any) -> Any:
    """Return everybody of the register."""
    return session.scalars(select(Person)).all()


async def looks_right(phone: Page, scheme: str, targets: int) -> None:
    """See that all is on the screen, can be hit and can be read."""
    found = await phone.locator("button, a").all()
    assert len(found) == targets
    for target in found:
        box = await target.bounding_box()
        assert box
        assert box["height"] >= LEAST
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= WIDTH
        assert contrast(await target.evaluate(COLOURS)) >= CONTRAST
    assert await phone.evaluate("document.documentElement.scrollWidth") <= WIDTH
    body = await phone.locator("body").evaluate(COLOURS)
    assert contrast(body) >= CONTRAST
    assert (luminance(body[1]) < 0.05) is (scheme == "dark")
