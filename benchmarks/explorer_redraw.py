"""How long the explorer's page takes from a slider to the picture, and how much processor time.

    python benchmarks/explorer_redraw.py neurosim-explorer.html

The page is opened in headless Chromium (extra ``book-check``). The time on the clock is the median
of all redraws, from the move of the slider until nothing is left to compute or draw. Beside it stands
the mean processor time, which a busy machine changes less; two threads work, so it may be longer.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from statistics import median

SLIDERS = {
    "LIF": "LIF.constant.current",
    "HodgkinHuxley": "HodgkinHuxley.constant.current",
    "textbook_neuron": "textbook_neuron.stimulus.constant.current",
    "ca1_pyramidal": "ca1_pyramidal.stimulus.constant.current",
    "layer5_pyramidal": "layer5_pyramidal.stimulus.constant.current",
    "spinal_motoneuron": "spinal_motoneuron.stimulus.constant.current",
    "purkinje_cell": "purkinje_cell.stimulus.constant.current",
}
REDRAWS = 50
MOVE = """async ([name, times]) => {
  const input = document.querySelector(`[data-control="${name}"] input`);
  const { sharedRunner } = Explorer;
  const [low, high] = [Number(input.min), Number(input.max)];
  const took = [];
  for (let k = 0; k < times; k++) {
    input.value = low + (high - low) * (0.3 + (0.4 * ((k * 7) % 50)) / 50);
    const from = performance.now();
    input.dispatchEvent(new Event("input"));
    while (sharedRunner.busy || sharedRunner.waiting.size)
      await new Promise((done) => setTimeout(done));
    await new Promise(requestAnimationFrame);
    took.push(performance.now() - from);
  }
  return took;
}"""


def main() -> None:
    """Print the time of a redraw for some of the neurons."""
    parser = argparse.ArgumentParser(description="Time of a redraw of the explorer.")
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
            took = shown.evaluate(MOVE, [slider, REDRAWS])
            processor = (spent() - before) / REDRAWS * 1e3
            print(f"{model}: {median(took):.0f} ms ({processor:.0f} ms of processor time)")
        browser.close()


if __name__ == "__main__":
    main()
