"""How much processor time the explorer's page takes from a slider to the picture.

    python benchmarks/explorer_redraw.py neurosim-explorer.html

The page is opened in headless Chromium (extra ``book-check``). What is measured is the processor
time of the page, which a busy machine changes less than the time on the clock.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

SLIDERS = {
    "LIF": "LIF.constant.current",
    "HodgkinHuxley": "HodgkinHuxley.constant.current",
    "textbook_neuron": "textbook_neuron.stimulus.constant.current",
    "ca1_pyramidal": "ca1_pyramidal.stimulus.constant.current",
    "layer5_pyramidal": "layer5_pyramidal.stimulus.constant.current",
    "spinal_motoneuron": "spinal_motoneuron.stimulus.constant.current",
    "purkinje_cell": "purkinje_cell.stimulus.constant.current",
}
REDRAWS = 20
MOVE = """async ([name, times]) => {
  const input = document.querySelector(`[data-control="${name}"] input`);
  const { sharedRunner } = Explorer;
  const [low, high] = [Number(input.min), Number(input.max)];
  for (let k = 0; k < times; k++) {
    input.value = low + (high - low) * (0.3 + (0.4 * ((k * 7) % 50)) / 50);
    input.dispatchEvent(new Event("input"));
    while (sharedRunner.busy || sharedRunner.waiting.size)
      await new Promise((done) => setTimeout(done, 4));
  }
}"""


def main() -> None:
    """Print the processor time of a redraw for some of the neurons."""
    parser = argparse.ArgumentParser(description="Processor time of a redraw of the explorer.")
    parser.add_argument("page", type=Path, help="written by neurosim explore")
    page = parser.parse_args().page.resolve()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        told = browser.new_browser_cdp_session()

        def spent() -> float:
            found = told.send("SystemInfo.getProcessInfo")["processInfo"]
            return float(sum(one["cpuTime"] for one in found if one["type"] == "renderer"))

        shown = browser.new_page(viewport={"width": 1280, "height": 900})
        for model, slider in SLIDERS.items():
            shown.goto("about:blank")
            shown.goto(f"{page.as_uri()}#tab=neuron&model={model}")
            shown.evaluate(MOVE, [slider, 5])
            before = spent()
            shown.evaluate(MOVE, [slider, REDRAWS])
            print(f"{model}: {(spent() - before) / REDRAWS * 1e3:.0f} ms")
        browser.close()


if __name__ == "__main__":
    main()
