"""The explorer's page in headless Chromium, for tests that use it as a reader does."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

IN_BROWSER = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("playwright") is None or find_spec("axe_playwright_python") is None,
        reason="the extra [book-check] is not installed",
    ),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium"),
]
"""Marks of tests that open the page."""
SETTLED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
# The neurons of the page run beside it.
IDLE = (
    "!Explorer.sharedRunner || !Explorer.sharedRunner.busy && !Explorer.sharedRunner.waiting.size"
)


class Reader:
    """A page that is open, and everything that went wrong on it."""

    def __init__(self, browser, file, address="", **context):
        self.context = browser.new_context(
            **({"viewport": {"width": 1280, "height": 900}} | context)
        )
        self.page = self.context.new_page()
        self.faults, self.requests = [], []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda m: self.faults.append(m.text) if m.type == "error" else None)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.file = file
        self.go(address)

    def go(self, address):
        self.page.goto("about:blank")
        self.page.goto(self.file.as_uri() + address)
        self.settle()

    def settle(self):
        self.page.evaluate(SETTLED)
        self.until(IDLE)

    def until(self, expression):
        """Wait for something to be true; the page's policy forbids Playwright's own way."""
        for _ in range(200):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never true: {expression}")

    @property
    def address(self):
        return self.page.evaluate("location.hash")

    @property
    def tabs(self):
        return self.page.evaluate("Explorer.tabs.map(tab => tab.name)")

    def open(self, tab):
        self.page.click(f"#tab-{tab}")
        self.settle()

    def told(self):
        """Everything that the figures show, and the words beside them."""
        labels = (
            "[...document.querySelectorAll('.picture svg')].map(s => s.getAttribute('aria-label'))"
        )
        return self.page.evaluate(labels), self.page.inner_text("#panel .told")

    def drawn(self):
        """The lines of all figures: a late synapse moves no spike that the words tell of."""
        lines = "[...document.querySelectorAll('.picture path')].map(p => p.getAttribute('d'))"
        return self.page.evaluate(lines)

    def saved(self, button):
        """Press a button by keyboard, which no redraw can move away from under a mouse."""
        # Chromium drops the eleventh download that a page begins within a second; nobody presses
        # so fast.
        self.page.wait_for_timeout(120)
        with self.page.expect_download() as waiting:
            button.press("Enter")
        return waiting.value.suggested_filename, Path(waiting.value.path()).read_text("utf-8")

    def close(self):
        self.context.close()
        assert not self.faults
        assert [
            u for u in self.requests if not u.startswith(("file:", "data:", "blob:", "about:"))
        ] == []
