"""Home Assistant's frontend in a browser, signed in."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
import json
from pathlib import Path
import re
from typing import Any

from playwright.async_api import Locator, Page, async_playwright, expect

ROOT = Path(__file__).parents[2]
#: Width and height in CSS pixels.
DESKTOP = (1280, 900)
PHONE = (390, 844)
#: Milliseconds; a busy machine takes a while to draw.
PATIENCE = 30_000
#: A key that has no text is shown as it is.
UNTRANSLATED = re.compile(r"\b(?:component|ui|state)\.[a-z_]+\.[a-z_.]+")
#: What the frontend shows in place of a card that cannot be drawn.
BROKEN = "hui-error-card, hui-warning, hui-error-badge"
#: Who is signed in, and how it is shown to them.
SIGN_IN = """([url, token]) => {
  localStorage.hassTokens = JSON.stringify({
    access_token: token, token_type: "Bearer", expires_in: 1e9, refresh_token: "",
    hassUrl: url, clientId: url + "/", expires: Date.now() + 1e12
  })
}"""
#: The profile of whoever is signed in says it to the frontend.
SPEAK = """language => document.querySelector("home-assistant").hass.callWS({
  type: "frontend/set_user_data", key: "language", value: {
    language, number_format: "language", time_format: "language",
    date_format: "language", first_weekday: "language", time_zone: "local"
  }
})"""
#: A field of a form, through all shadow roots.
FIELD = """
  const find = (root, good) => {
    for (const element of root.querySelectorAll("*")) {
      if (good(element)) return element
      const found = element.shadowRoot && find(element.shadowRoot, good)
      if (found) return found
    }
  }
  const row = find(document, element => element.schema?.name === name &&
    /^ha-(selector|form-string)$/.test(element.localName))"""
INPUT = f"""name => {{{FIELD}
  return row?.shadowRoot && find(row.shadowRoot, element => element.localName === "input")
}}"""
#: What a selector tells its form when something is chosen.
CHOOSE = f"""([name, value]) => {{{FIELD}
  row?.dispatchEvent(new CustomEvent("value-changed",
    {{ detail: {{ value }}, bubbles: true, composed: true }}))
  return row
}}"""
IN_LANGUAGE = (
    "l => document.querySelector('home-assistant').hass?.locale.language === l"
)


class Frontend:
    """One person's browser."""

    def __init__(self, page: Page, url: str, language: str) -> None:
        """Initialize."""
        self.page = page
        self.url = url
        self.language = language
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    async def speak(self) -> None:
        """Have all in the person's language."""
        await self.open("/profile/general")
        await self.page.evaluate(SPEAK, self.language)
        await self.page.wait_for_function(IN_LANGUAGE, arg=self.language)

    async def open(self, path: str) -> None:
        """Go to a page of the frontend, and wait until its frame is drawn."""
        await self.page.goto(f"{self.url}{path}")
        await self.page.locator("home-assistant-main").wait_for()

    async def add(self, domain: str) -> None:
        """Begin to add an integration."""
        await self.open(f"/config/integrations/dashboard/add?domain={domain}")
        await self.page.locator("dialog-box ha-button >> visible=true").last.click()

    async def configure(self, domain: str) -> None:
        """Begin to change the options of the first entry of an integration."""
        await self.open(f"/config/integrations/integration/{domain}")
        await self.page.locator(
            "ha-config-entry-row ha-icon-button[slot=end]"
        ).first.click()

    async def add_to(self, domain: str, title: str, kind: str) -> None:
        """Begin to add a subentry of a kind to an entry."""
        await self.open(f"/config/integrations/integration/{domain}")
        row = self.page.locator("ha-config-entry-row").filter(has_text=title)
        await row.locator("ha-icon-button[slot=trigger]").first.click()
        await row.locator(f"ha-dropdown-item[value=subentry_{kind}]").click()

    async def give(self, field: str, value: Any) -> None:
        """Choose the value of a field that is more than a line of text."""
        await self.page.wait_for_function(CHOOSE, arg=[field, value])

    async def fill(self, field: str, value: str) -> None:
        """Fill a field in."""
        found = await self.page.wait_for_function(INPUT, arg=field)
        element = found.as_element()
        assert element
        await element.fill(value)

    def text(self, domain: str, path: str, **placeholders: str) -> str:
        """Return a text of one of our integrations, as this person reads it."""
        file = ROOT / f"custom_components/{domain}/translations/{self.language}.json"
        node: Any = json.loads(file.read_text("utf-8"))
        for key in path.split("."):
            node = node[key]
        return str(node).format(**placeholders) if placeholders else str(node)

    def beginning(self, domain: str, path: str) -> str:
        """Return a text up to what is filled into it."""
        return self.text(domain, path).partition("{")[0]

    @property
    def dialog(self) -> Locator:
        """Return the dialog of a flow."""
        return self.page.locator("dialog-data-entry-flow")

    async def choose(self, text: str) -> None:
        """Choose a row of a menu."""
        await self.dialog.get_by_text(text, exact=True).first.click()

    async def submit(self) -> None:
        """Send a form, from where it was filled in."""
        await self.dialog.locator("ha-dialog-footer ha-button").last.click()

    async def error(self, text: str, field: str = "") -> None:
        """See that a form shows an error, on the screen, and just above its field.

        A long form says on the screen that there is one, and has it further down.
        """
        alerts = self.dialog.locator("ha-alert[alert-type=error]")
        alert = alerts.filter(has_text=text).first
        await expect(alert).to_be_visible(timeout=PATIENCE)
        await expect(alerts.first).to_be_in_viewport(ratio=1)
        below = await alert.evaluate("alert => alert.nextElementSibling?.schema?.name")
        assert not field or below == field

    async def is_whole(self) -> None:
        """See that every text is there, every card is drawn, and nothing is too wide."""
        text = await self.page.locator("home-assistant-main").inner_text()
        assert UNTRANSLATED.findall(text) == []
        assert await self.page.locator(BROKEN).count() == 0
        width = await self.page.evaluate("document.documentElement.scrollWidth")
        assert self.page.viewport_size
        assert width <= self.page.viewport_size["width"]
        assert self.complaints == []


@asynccontextmanager
async def frontend(
    chromium: str,
    profile: Path,
    run: dict[str, Any],
    *,
    language: str = "en",
    scheme: Any = "light",
    size: tuple[int, int] = DESKTOP,
) -> AsyncGenerator[Frontend]:
    """Open a browser. What it has fetched stays in the profile, for the next one."""
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            profile,
            executable_path=chromium,
            args=["--no-sandbox"],
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            locale=language,
            has_touch=size == PHONE,
            is_mobile=size == PHONE,
            reduced_motion="reduce",
            timezone_id="Asia/Shanghai",
        )
        context.set_default_timeout(PATIENCE)
        arguments = json.dumps([run["url"], run["token"]])
        await context.add_init_script(f"({SIGN_IN})({arguments})")
        try:
            view = Frontend(context.pages[0], run["url"], language)
            await view.speak()
            yield view
        finally:
            await context.close()
