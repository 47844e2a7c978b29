"""Build the documentation as a site, in each of its languages: scripts/docs.

`docs/*.md` are the pages in English, `docs/<language>/*.md` those in another language, and
`docs/site.toml` says where each stands. Pages link to each other and to files of the
repository as on GitHub; here a link out of `docs/` becomes one to the repository.
"""

from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
import json
from pathlib import Path
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from typing import Any, override

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
SITE: Mapping[str, Any] = tomllib.loads((DOCS / "site.toml").read_text("utf-8"))
#: The first one stands in docs/ itself.
LANGUAGES: Mapping[str, Mapping[str, str]] = SITE["languages"]
DEFAULT = next(iter(LANGUAGES))
SOURCE = "https://github.com/community-safety/home-assistant-community-safety"
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?(?=\))")
_COLOR = re.compile(r"\x1b\[[\d;]*m")
_FOREIGN = re.compile(r"(?:[a-z]+:)?//", re.IGNORECASE)
_CSS_ADDRESS = re.compile(r"(?:url\(|@import)\s*[\"']?\s*((?:https?:)?//[^\"')\s]+)")


class DocsError(Exception):
    """The documentation cannot be built as it is."""


def listed() -> list[str]:
    """Return the names of all pages, in their order."""
    return [page for section in SITE["sections"] for page in section["pages"]]


def source(page: str, language: str) -> Path:
    """Return where a page is written: in English where the language has none of its own."""
    own = DOCS / language / f"{page}.md"
    return own if own.exists() else DOCS / f"{page}.md"


def links(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield each link of a page to a file, as it is written and where it leads."""
    for match in _LINK.finditer(path.read_text("utf-8")):
        yield match[1], (path.parent / match[1]).resolve()


def stage(page: str, language: str, folder: Path) -> None:
    """Write a page as the site has it, with the files that it shows.

    Raises DocsError for a link to a file that is not there.
    """
    path = source(page, language)

    def resolved(match: re.Match[str]) -> str:
        target, anchor = (path.parent / match[1]).resolve(), match[2] or ""
        if not target.exists():
            raise DocsError(f"{path.relative_to(ROOT)}: {match[1]} is not there")
        if not target.is_relative_to(DOCS):
            view = "tree" if target.is_dir() else "blob"
            return f"{SOURCE}/{view}/main/{target.relative_to(ROOT)}{anchor}"
        if target.suffix == ".md":
            return target.name + anchor
        place = folder / target.relative_to(DOCS)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(target, place)
        return str(target.relative_to(DOCS)) + anchor

    text = _LINK.sub(resolved, path.read_text("utf-8"))
    (folder / f"{page}.md").write_text(text, "utf-8")


def _entry(page: str, language: str) -> str:
    """Return a page's entry: its own title, but where it is in another language."""
    title = SITE["english_only"].get(page, {}).get(language)
    name = f'"{page}.md"'
    return f"{{ {json.dumps(title, ensure_ascii=False)} = {name} }}" if title else name


def configuration(language: str) -> str:
    """Return the configuration of one language for the builder."""
    texts = LANGUAGES[language]
    up = "" if language == DEFAULT else "../"
    # What JSON says of texts, lists and numbers says TOML too; tables are another matter.
    alternate = ", ".join(
        f'{{ name = {json.dumps(row["name"], ensure_ascii=False)}, lang = "{row["html"]}",'
        f' link = "{up}{"" if other == DEFAULT else f"{other}/"}index.html" }}'
        for other, row in LANGUAGES.items()
    )
    nav = ",\n".join(
        f"  {{ {json.dumps(section[language], ensure_ascii=False)} ="
        f" [{', '.join(_entry(page, language) for page in section['pages'])}] }}"
        for section in SITE["sections"]
    )
    return f"""\
[project]
site_name = {json.dumps(texts["title"], ensure_ascii=False)}
copyright = {json.dumps(texts["footer"].format(source=SOURCE), ensure_ascii=False)}
docs_dir = "pages"
site_dir = "site"
use_directory_urls = false
nav = [
{nav}
]
[project.theme]
language = "{texts["html"]}"
font = false
features = ["content.code.copy", "navigation.footer", "navigation.sections",
  "navigation.top", "search.highlight", "toc.follow"]
[[project.theme.palette]]
media = "(prefers-color-scheme: light)"
scheme = "default"
[[project.theme.palette]]
media = "(prefers-color-scheme: dark)"
scheme = "slate"
[project.extra]
alternate = [{alternate}]
generator = false
[project.markdown_extensions]
admonition = {{}}
attr_list = {{}}
tables = {{}}
"pymdownx.highlight" = {{ pygments_lang_class = true }}
"pymdownx.superfences" = {{}}
toc = {{ permalink = true, slugify = {{ object = "pymdownx.slugs.slugify", kwds = {{ case = "lower" }} }} }}
"""


class _Loaded(HTMLParser):
    """Collects what a browser loads for a page by itself, and not what a reader may follow."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        names = [] if tag == "a" else ["src", "srcset", "data", "poster"]
        if tag == "link" and found.get("rel") not in ("alternate", "canonical"):
            names.append("href")
        self.addresses += [value for name in names if (value := found.get(name))]


def foreign(site: Path) -> list[str]:
    """Return what pages and style sheets of a site would load from other servers."""
    found = []
    for path in sorted(site.rglob("*.html")):
        page = _Loaded()
        page.feed(path.read_text("utf-8"))
        found += [
            f"{path.relative_to(site)}: {address}"
            for address in page.addresses
            if _FOREIGN.match(address)
        ]
    for path in sorted(site.rglob("*.css")):
        found += [
            f"{path.relative_to(site)}: {address}"
            for address in _CSS_ADDRESS.findall(path.read_text("utf-8"))
        ]
    return found


def build(out: Path) -> None:
    """Build all languages into a folder, which is emptied.

    Raises DocsError for anything that a reader would miss.
    """
    pages = listed()
    written = {path.stem for path in DOCS.glob("*.md")}
    if without := written ^ set(pages):
        raise DocsError(f"in docs/ or in its site.toml alone: {sorted(without)}")
    with tempfile.TemporaryDirectory() as temporary:
        whole = Path(temporary, "whole")
        for language in LANGUAGES:
            folder = Path(temporary, language)
            (folder / "pages").mkdir(parents=True)
            for page in pages:
                stage(page, language, folder / "pages")
            (folder / "zensical.toml").write_text(configuration(language), "utf-8")
            done = subprocess.run(
                [sys.executable, "-m", "zensical", "build", "--strict"],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                said = _COLOR.sub("", done.stderr).partition("Traceback")[0]
                raise DocsError(f"{language}:\n{said}")
            place = whole if language == DEFAULT else whole / language
            shutil.copytree(folder / "site", place, dirs_exist_ok=True)
        if found := foreign(whole):
            raise DocsError("loaded from other servers:\n" + "\n".join(found))
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(whole, out)


def main() -> int:
    """Read the command line."""
    out = Path(sys.argv[1])
    try:
        build(out)
    except DocsError as err:
        print(f"✗ {err}", file=sys.stderr)
        return 1
    print(f"✓ {out}/index.html: {len(listed())} pages in {len(LANGUAGES)} languages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
