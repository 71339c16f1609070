"""Read a built site in headless Chromium, as a reader would, and say what is wrong with it.

python docs/site/check_site.py neurosim-book/html                every page
python docs/site/check_site.py neurosim-book/html --every 10     every tenth page, and all chapters

Each page is opened from its file at 360 and 1280 px, in the light and in the dark. Wrong is: a
request that is not to a file, a file that is missing, a link to a page or place that is not there,
an error of a script, a page wider than the window, a formula that was not set, an image without
alternative text or that was not loaded, what axe-core calls serious or critical, and a search that
finds nothing. In the dark, wrong is also: a page that stays light, text of too little contrast, and
a figure that has no light ground of its own, since figures are drawn in black. The exit status is
the number of pages with faults, at most 99.

It needs `python -m pip install "neurosim-bridge[book-check]"` and a Chromium (--browser FILE, else
the one of the system or of Playwright).
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from importlib.metadata import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

WIDTHS = (360, 1280)
_PATIENCE_MS = 300_000
_SEARCH_MS = 60_000
_THEME_MS = 5_000
SERIOUS = ("serious", "critical")
_ID = re.compile(r"""\sid=["']([^"']+)["']""")
# Formulas are set after the page is loaded; a page without formulas has nothing to wait for.
_SETTLED = (
    "() => !window.MathJax?.startup?.promise || window.MathJax.startup.promise.then(() => true)"
)
_WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
_IMAGES = (
    "() => [...document.querySelectorAll('.bd-article img')].filter(i => !i.alt || "
    "(i.complete && !i.naturalWidth)).map(i => i.getAttribute('src'))"
)
_UNSET = (
    "() => [...document.querySelectorAll('.bd-article .math')]"
    ".filter(m => !m.querySelector('mjx-container')).map(m => m.textContent.slice(0, 40))"
)
_MATH_ERRORS = (
    "() => [...document.querySelectorAll('mjx-merror, [data-mjx-error]')].map(m => m.textContent)"
)
_AXE = "() => axe.run(document, {resultTypes: ['violations'], preload: false})"
# In the dark only colours are different.
_AXE_COLOURS = (
    "() => axe.run(document, {resultTypes: ['violations'], preload: false, "
    "runOnly: {type: 'rule', values: ['color-contrast']}})"
)
_LIGHTNESS = """e => {
  const [r, g, b, a = 1] = getComputedStyle(e).backgroundColor.match(/[\\d.]+/g).map(Number);
  return a < 1 ? -1 : (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
}"""
# Where nothing has a ground of its own, the ground is the browser's white.
_STAYS_LIGHT = (
    f"() => {{ const of = {_LIGHTNESS}; const body = of(document.body); "
    "const ground = body < 0 ? of(document.documentElement) : body; "
    "return ground < 0 || ground > 0.3; }"
)
_WITHOUT_GROUND = (
    "() => [...document.querySelectorAll('.bd-article img')]"
    f".filter(i => ({_LIGHTNESS})(i) < 0.6).map(i => i.getAttribute('src'))"
)
# Beside each formula stands its text for screen readers, which nobody sees and which may be wider.
_UNSEEN = "mjx-assistive-mml { display: none !important; }"
_LINKS = "() => [...document.querySelectorAll('a[href]')].map(a => a.href)"
_CUT = """() => [...document.querySelectorAll('.bd-article *, .prev-next-area *')].filter(e => {
  if (e.closest('mjx-assistive-mml')) return false;
  const style = getComputedStyle(e);
  const words = /^(H[1-6]|P)$/.test(e.tagName) && style.overflowX === 'visible';
  if (!words && !['hidden', 'clip'].includes(style.overflowX) || e.clientWidth < 2) return false;
  return e.scrollWidth > e.clientWidth + 1 && !e.closest('details:not([open])');
}).map(e => e.tagName + '.' + e.className).slice(0, 3)"""


@dataclass
class Faults:
    """What is wrong with each page."""

    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, page: str, said: str) -> None:
        """Note a fault once."""
        if said not in self.found.setdefault(page, []):
            self.found[page].append(said)


def pages_of(site: Path, every: int) -> list[Path]:
    """Return the pages that are read: each chapter, and one of `every` of the others."""
    pages = sorted(p for p in site.rglob("*.html") if "_static" not in p.parts)
    chapters = [p for p in pages if p.parent.name == "book" or p == site / "index.html"]
    return chapters + [p for p in pages if p not in chapters][::every]


def axe() -> str:
    """Return the source of axe-core, as its package brought it."""
    shipped = [one for one in files("axe-playwright-python") or [] if one.name == "axe.min.js"]
    return Path(str(shipped[0].locate())).read_text(encoding="utf-8")


def check(site: Path, every: int, browser: str | None) -> Faults:
    """Read the pages and return what is wrong with them."""
    from playwright.sync_api import sync_playwright

    faults, script = Faults(), axe()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for width in WIDTHS:
            context = chromium.new_context(
                viewport={"width": width, "height": 900}, color_scheme="light", bypass_csp=True
            )
            # A machine that does other work may take long.
            context.set_default_timeout(_PATIENCE_MS)
            page = context.new_page()
            for file in pages_of(site, every):
                _read(page, file, str(file.relative_to(site)), width, script, faults)
            _search(page, site, faults)
            context.close()
        chromium.close()
    return faults


def _read(page: Any, file: Path, name: str, width: int, script: str, faults: Faults) -> None:
    def asked(request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            faults.add(name, f"asks {request.url}")

    def failed(request: Any) -> None:
        faults.add(name, f"cannot load {request.url}: {request.failure}")

    def broke(error: Any) -> None:
        faults.add(name, f"script: {error}")

    listeners = {"request": asked, "requestfailed": failed, "pageerror": broke}
    for event, listener in listeners.items():
        page.on(event, listener)
    page.goto(file.as_uri(), wait_until="load")
    page.evaluate(_SETTLED)
    wider = page.evaluate(_WIDER)
    if wider > 0:
        faults.add(name, f"{width} px: {wider} px wider than the window")
    for source in page.evaluate(_IMAGES):
        faults.add(name, f"image without alternative text or not loaded: {source}")
    for said in (*page.evaluate(_UNSET), *page.evaluate(_MATH_ERRORS)):
        faults.add(name, f"formula not set: {said}")
    for said in _dead(page.evaluate(_LINKS)):
        faults.add(name, said)
    unseen = page.add_style_tag(content=_UNSEEN)
    for said in page.evaluate(_CUT):
        faults.add(name, f"{width} px: text is cut in {said}")
    unseen.evaluate("style => style.remove()")
    # axe-core would ask for the style sheets once more, which a page from a file may not.
    for event, listener in listeners.items():
        page.remove_listener(event, listener)
    page.evaluate(script)
    _add_violations(page.evaluate(_AXE), name, f"{width} px: axe", faults)
    # Colours that change slowly would be read half way.
    page.add_style_tag(content="* { transition: none !important; }")
    page.emulate_media(color_scheme="dark")
    try:
        # A script changes the theme when it has heard of it.
        page.wait_for_function(f"() => !({_STAYS_LIGHT})()", timeout=_THEME_MS)
    except Exception:  # It never did.
        faults.add(name, "stays light on a dark screen")
    for source in page.evaluate(_WITHOUT_GROUND):
        faults.add(name, f"dark: figure without a light ground: {source}")
    _add_violations(page.evaluate(_AXE_COLOURS), name, f"{width} px: dark: axe", faults)
    page.emulate_media(color_scheme="light")


def _dead(links: list[str]) -> list[str]:
    """Say which links to files lead to none, or to a place that is not on their page."""
    said = []
    for link in sorted(set(links)):
        parts = urlsplit(link)
        if parts.scheme != "file":
            continue
        file, place = Path(unquote(parts.path)), unquote(parts.fragment)
        if not file.is_file():
            said.append(f"a link leads nowhere: {file.name}")
        elif place and place not in _places(file):
            said.append(f"a link leads to no place of {file.name}: {place}")
    return said


@cache
def _places(file: Path) -> frozenset[str]:
    """Return what can be linked to within a page."""
    return frozenset(unescape(found) for found in _ID.findall(file.read_text(encoding="utf-8")))


def _add_violations(told: Any, name: str, prefix: str, faults: Faults) -> None:
    for one in told["violations"]:
        if one["impact"] in SERIOUS:
            where = one["nodes"][0]["target"]
            faults.add(name, f"{prefix}: {one['id']} ({len(one['nodes'])} x, {where})")


def _search(page: Any, site: Path, faults: Faults) -> None:
    """Type a word that many pages have into the box for searches, without a server."""
    page.goto((site / "index.html").as_uri(), wait_until="load")
    try:
        # The theme opens its box with these keys.
        page.keyboard.press("Control+k")
        page.keyboard.type("membrane")
        page.keyboard.press("Enter")
        page.wait_for_selector("#search-results li a", timeout=_SEARCH_MS)
    except Exception as error:  # Whatever it is, the search has found nothing.
        faults.add("search.html", f"no result for a word: {error}")
    wider = page.evaluate(_WIDER)
    if wider > 0:
        faults.add("search.html", f"results {wider} px wider than the window")


def main(arguments: list[str]) -> int:
    """Check a site; return how many pages have faults."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("site", type=Path)
    parser.add_argument("--every", type=int, default=1, help="read one of so many pages")
    parser.add_argument("--browser", default=shutil.which("chromium"))
    given = parser.parse_args(arguments)
    site = given.site.resolve()
    faults = check(site, given.every, given.browser)
    for page, said in faults.found.items():
        print(page, *said, sep="\n  ")
    read = len(pages_of(site, given.every))
    print(f"{read} pages read at {' and '.join(map(str, WIDTHS))} px, light and dark: "
          f"{len(faults.found)} with faults")  # fmt: skip
    return min(len(faults.found), 99)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
