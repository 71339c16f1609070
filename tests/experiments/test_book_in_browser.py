"""The check of the built site finds each kind of fault, and none on a page without one."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("playwright") is None or find_spec("axe_playwright_python") is None,
        reason="the extra [book-check] is not installed",
    ),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium"),
]
PAGE = """<!doctype html><html lang="en"><head><title>A page</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>@media (prefers-color-scheme: dark) {{ body {{ background: #111; color: #eee; }}
a {{ color: #9cf; }} }}</style></head>
<body><main class="bd-article"><h1>A page</h1>{}</main></body></html>"""
BOX = "<form action='search.html'><input autofocus name='q' aria-label='Search'></form>"
SEARCH = "<ul id='search-results'><li><a href='index.html'>found</a></li></ul>"
FAULTS = {
    "asks http://127.0.0.1:9/a.png": '<img alt="a" src="http://127.0.0.1:9/a.png">',
    "wider than the window": '<div style="width: 1400px">wide</div>',
    "without alternative text": '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">',
    "not loaded: absent.png": '<img alt="a" src="absent.png">',
    "text is cut": '<p style="width: 80px; overflow: hidden; white-space: nowrap">'
    "a line that is longer than its box</p>",
    "text is cut in H2": '<h2 style="width: 90px">backpropagation</h2>',
    "formula not set": '<div class="math">\\[x\\]</div>',
    "axe: color-contrast": '<p style="color: #ddd; background: #fff">pale</p>',
    "script:": "<script>throw new Error('broken')</script>",
    "dark: axe: color-contrast": '<p style="color: #222">black in the dark too</p>',
    "a link leads nowhere: missing.html": '<a href="missing.html">missing</a>',
    "a link leads to no place of index.html: there": '<a href="index.html#there">there</a>',
    "dark: figure without a light ground: absent.png": "",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What is wrong with a site of one page with every fault, and one without any."""
    site = tmp_path_factory.mktemp("site")
    (site / "index.html").write_text(PAGE.format(f"<p>Nothing is wrong here.</p>{BOX}"))
    (site / "search.html").write_text(PAGE.format(SEARCH))
    (site / "faults.html").write_text(PAGE.format("".join(FAULTS.values())))
    light = PAGE.replace("prefers-color-scheme: dark", "print").format("<p>Always light.</p>")
    (site / "light.html").write_text(light)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs" / "site"))
        import check_site

        patch.delitem(sys.modules, "check_site")
    return check_site.check(site, 1, shutil.which("chromium")).found


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault, found):
    assert any(fault in said for said in found["faults.html"])


def test_a_page_that_has_no_dark_colours_is_found(found):
    assert found["light.html"] == ["stays light on a dark screen"]


def test_a_page_without_a_fault_has_none(found):
    assert "index.html" not in found
    assert "search.html" not in found


def test_a_search_that_finds_nothing_is_found(tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs" / "site"))
        import check_site

        patch.delitem(sys.modules, "check_site")
        patch.setattr(check_site, "_SEARCH_MS", 500)
        (tmp_path / "index.html").write_text(PAGE.format(BOX))
        (tmp_path / "search.html").write_text(PAGE.format("<ul id='search-results'></ul>"))
        found = check_site.check(tmp_path, 1, shutil.which("chromium")).found
    assert "no result for a word" in found["search.html"][0]
