"""The frame of a page that needs no login: one look, and nothing that others could use."""

from collections.abc import Iterable
from html import escape
from http import HTTPStatus

from aiohttp import web

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
        " frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title><style>
body{{font:18px/1.5 sans-serif;margin:0 auto;max-width:28em;padding:1em;
background:#fff;color:#1f1f1f}}
button,a{{display:block;box-sizing:border-box;width:100%;min-height:3.2em;font:inherit;
padding:.8em;margin:.6em 0;border:0;border-radius:.5em;background:#0b57d0;color:#fff;
text-align:center;text-decoration:none}}
a,button.urgent{{background:#b3261e}}
a.calm{{background:none;color:#0b57d0;border:1px solid}}
input,select,textarea{{display:block;box-sizing:border-box;width:100%;min-height:3.2em;font:inherit;
padding:.8em;margin:.3em 0 .6em;border:1px solid currentColor;border-radius:.5em;
background:transparent;color:inherit}}
input[type=checkbox]{{display:inline-block;width:1.4em;min-height:1.4em;margin:0 .5em 0 0}}
label.tick{{display:flex;align-items:center;min-height:2.6em}}
img{{max-width:100%}}
.wrong{{font-weight:600;color:#b3261e}}
dt{{opacity:.8}}dd{{margin:0 0 .6em;font-weight:600}}
button[aria-pressed=true]{{outline:.2em solid currentColor;outline-offset:-.4em}}
@media (prefers-color-scheme:dark){{body{{background:#121212;color:#e3e3e3}}.wrong{{color:#ffb4ab}}a.calm{{color:#a8c7fa}}}}
</style></head><body><h1>{title}</h1>{body}</body></html>"""
#: Of a picture of somebody, or that somebody has sent.
PICTURE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_BUTTON = (
    '<form method="post"><button{kind} name="{name}" value="{value}"'
    ' aria-pressed="{pressed}">{text}</button></form>'
)
#: The fire brigade by country; 112 elsewhere, as in every mobile network (3GPP TS 22.101).
EMERGENCY = {
    **dict.fromkeys(("CN", "TW", "JP", "KR"), "119"),
    **dict.fromkeys(("HK", "MO", "GB", "SG", "MY"), "999"),
    **dict.fromkeys(("US", "CA"), "911"),
}
#: An ambulance by country, where that is another number.
AMBULANCE = {**EMERGENCY, "CN": "120"}
#: The police by country, where that is another number.
POLICE = {**EMERGENCY, **dict.fromkeys(("CN", "TW", "JP"), "110"), "KR": "112"}


def page(
    language: str,
    title: str,
    body: str,
    status: int = HTTPStatus.OK,
    *,
    pictures: bool = False,
) -> web.Response:
    """Return a page; `body` is HTML, of the pieces below, with pictures of ours or none."""
    headers = _HEADERS
    if pictures:
        policy = _HEADERS["Content-Security-Policy"] + "; img-src 'self'"
        headers = {**_HEADERS, "Content-Security-Policy": policy}
    return web.Response(
        text=_PAGE.format(language=escape(language), title=escape(title), body=body),
        content_type="text/html",
        status=status,
        headers=headers,
    )


def paragraph(text: str) -> str:
    """Return a paragraph; none for no text."""
    return f"<p>{escape(text)}</p>" if text else ""


def warning(text: str) -> str:
    """Return a paragraph that says why something was not taken, read aloud at once."""
    return f'<p class="wrong" role="alert">{escape(text)}</p>' if text else ""


def button(
    name: str, value: str, text: str, *, pressed: bool = False, urgent: bool = False
) -> str:
    """Return a button that posts one value to the page's own address."""
    return _BUTTON.format(
        kind=' class="urgent"' if urgent else "",
        name=escape(name),
        value=escape(value),
        pressed=str(pressed).lower(),
        text=escape(text),
    )


def emergency_number(country: str | None) -> str:
    """Return the number of the fire brigade of a country."""
    return EMERGENCY.get(country or "CN", "112")


def emergency(country: str | None, text: str) -> str:
    """Return a link that calls the fire brigade of a country; `text` takes the number."""
    number = emergency_number(country)
    return f'<a href="tel:{number}">{escape(text.format(number=number))}</a>'


def ambulance(country: str | None, text: str) -> str:
    """Return a link that calls an ambulance of a country; `text` takes the number."""
    number = AMBULANCE.get(country or "CN", "112")
    return f'<a href="tel:{number}">{escape(text.format(number=number))}</a>'


def police(country: str | None, text: str) -> str:
    """Return a link that calls the police, where they have a number of their own."""
    number = POLICE.get(country or "CN", "112")
    if number == emergency_number(country):
        return ""
    return f'<a href="tel:{number}">{escape(text.format(number=number))}</a>'


def link(address: str, text: str) -> str:
    """Return a link to something that is not urgent."""
    return f'<a class="calm" href="{escape(address)}">{escape(text)}</a>'


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Return what is said under headings; what is empty is left out."""
    said = "".join(
        f"<dt>{escape(head)}</dt><dd>{escape(text)}</dd>" for head, text in rows if text
    )
    return f"<dl>{said}</dl>" if said else ""


def form(action: str, body: str, text: str, *, files: bool = False) -> str:
    """Return a form that posts to an address of ours; `body` is HTML, of fields."""
    kind = ' enctype="multipart/form-data"' if files else ""
    return (
        f'<form method="post" action="{escape(action)}"{kind}>{body}'
        f"<button>{escape(text)}</button></form>"
    )


def field(name: str, label: str, **attributes: str) -> str:
    """Return a field of a form."""
    more = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f'<label>{escape(label)}<input name="{escape(name)}" required{more}></label>'


def hidden(name: str, value: str) -> str:
    """Return what a form says without being asked."""
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'


def choice(
    name: str, label: str, options: Iterable[tuple[str, str]], chosen: str = ""
) -> str:
    """Return a field in which one of several is chosen: of each its value and its text."""
    rows = "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>'
        f"{escape(text)}</option>"
        for value, text in options
    )
    return (
        f'<label>{escape(label)}<select name="{escape(name)}" required>'
        f'<option value=""></option>{rows}</select></label>'
    )


def text_area(name: str, label: str, most: int, text: str = "") -> str:
    """Return a field for a sentence of so many letters at most; it may be left empty."""
    # The first line break after the tag is no part of the text.
    return (
        f'<label>{escape(label)}<textarea name="{escape(name)}" rows="3"'
        f' maxlength="{most}">\n{escape(text)}</textarea></label>'
    )


def check_box(name: str, label: str, *, checked: bool = False) -> str:
    """Return a field that says yes where it is ticked."""
    return (
        f'<label class="tick"><input type="checkbox" name="{escape(name)}" value="1"'
        f"{' checked' if checked else ''}>{escape(label)}</label>"
    )


def upload(name: str, label: str) -> str:
    """Return a field for photos, which a phone takes or has."""
    return (
        f'<label>{escape(label)}<input type="file" name="{escape(name)}"'
        ' accept="image/*" multiple></label>'
    )


def picture(address: str, text: str) -> str:
    """Return a picture of ours, which is loaded where it is looked at."""
    return f'<img src="{escape(address)}" alt="{escape(text)}" loading="lazy"><br>'


def lead_to(path: str) -> web.Response:
    """Return the answer to a form that leads to a page of ours, which may be loaded again."""
    return web.Response(
        status=HTTPStatus.SEE_OTHER,
        headers={
            "Location": path,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        },
    )


def too_many() -> web.Response:
    """Return the answer to who asks too often."""
    return web.Response(
        status=HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": "60"}
    )
