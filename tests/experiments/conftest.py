"""Fixtures of the tests of commands and of the explorer's page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from commands import Commands
from explorer_reader import Reader


@pytest.fixture(scope="session")
def commands(tmp_path_factory) -> Iterator[Commands]:
    """Commands that are forked from one process; see `commands.Commands`."""
    found = Commands(tmp_path_factory.mktemp("commands"))
    yield found
    found.close()


@pytest.fixture(scope="session")
def explorer_file(tmp_path_factory):
    """The explorer's page as the command writes it."""
    from experiments.explore.page_builder import build_page

    return build_page(tmp_path_factory.mktemp("explorer") / "page.html").file


@pytest.fixture(scope="module")
def chromium():
    """Headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture
def explorer(chromium, explorer_file):
    """Open the explorer's page at an address; at the end nothing may have gone wrong on it."""
    opened = []

    def reader(address="", **context):
        opened.append(Reader(chromium, explorer_file, address, **context))
        return opened[-1]

    yield reader
    for one in opened:
        one.close()
