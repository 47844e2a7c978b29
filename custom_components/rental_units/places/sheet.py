"""Sheets of labels: what a browser prints on A4, with the address in plain text below each code.

The browser has the fonts, and the printer its dialog: nothing of either is ours.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Final

from .rows import PlaceInfo
from .texts import storey, texts, title

#: Labels of one print: 20 sheets. Each is some 3 kB of a message.
MOST_LABELS: Final = 240
#: 25 % of a code may be dirt or scratches (ISO/IEC 18004, level Q): it hangs outside.
_ERROR_CORRECTION: Final = "q"
#: Light enough that black stands out on it (WCAG 2.2, 1.4.3).
_COLOURS: Final = {
    "blue": "#cfe2ff",
    "green": "#d1f0d1",
    "yellow": "#fff0b3",
    "red": "#ffd6d6",
}
_STYLE: Final = """
@page{size:A4;margin:8mm}
*{box-sizing:border-box}
body{margin:0;font:10pt/1.3 sans-serif;color:#000;background:#fff}
p.hint{margin:0 0 4mm}
.sheet{display:grid;grid-template-columns:repeat(3,64mm);gap:1mm}
.label{width:64mm;height:69mm;padding:3mm;border:.2mm dashed #888;text-align:center;
break-inside:avoid;overflow:hidden;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.label svg{width:38mm;height:38mm;background:#fff;display:block;margin:1.5mm auto}
.label strong{display:block;font-size:14pt;line-height:1.15}
.label small{display:block;font-size:7.5pt}
.address{overflow-wrap:anywhere}
@media print{p.hint{display:none}}
@media screen{body{margin:4mm}.sheet{grid-template-columns:repeat(auto-fill,64mm)}}
"""


@dataclass(frozen=True, slots=True)
class Label:
    """What one label says."""

    place: PlaceInfo
    #: What the code holds.
    address: str
    #: How often a code was printed for this place.
    version: int


def render(labels: Iterable[Label], property_title: str, language: str) -> str:
    """Return the page of a print. It takes milliseconds for each label."""
    # Only who prints needs it.
    import segno  # noqa: PLC0415

    text = texts(language)["label"]
    pieces = []
    for label in labels:
        place = label.place
        colour = _COLOURS.get(place.grade or "")
        style = f' style="background:{colour}"' if colour else ""
        code = segno.make_qr(label.address, error=_ERROR_CORRECTION).svg_inline(
            omitsize=True, border=4, light="#fff"
        )
        where = place.address or " ".join(
            part for part in (property_title, title(place, language)) if part
        )
        small = " · ".join(
            part
            for part in (
                storey(place, language),
                property_title if place.address else "",
                text["version"].format(version=label.version),
            )
            if part
        )
        pieces.append(
            f'<div class="label"{style}><strong>{escape(title(place, language))}</strong>'
            f'{code}<div class="address">{escape(where)}</div>'
            f"<small>{escape(small)}</small><small>{escape(text['scan'])}</small></div>"
        )
    hint = text["cut"].format(property=property_title)
    head = text["heading"].format(count=len(pieces))
    return (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8">'
        f"<title>{escape(property_title)}</title><style>{_STYLE}</style></head><body>"
        f'<p class="hint">{escape(head)} {escape(hint)}</p>'
        f'<div class="sheet">{"".join(pieces)}</div></body></html>'
    )
