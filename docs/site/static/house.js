// The theme gives the buttons that unfold its sidebar no name, which screen readers would say.
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("summary")) {
    if (!button.textContent.trim()) button.setAttribute("aria-label", "Pages below this one");
  }
});

// What scrolls in itself is reached with the keyboard too: figures, and formulas once they are set.
const SCROLLS = [".cell_output", "p:has(> img)", "div.math", "mjx-container[display='true']"];
const reachWhatScrolls = () => {
  for (const box of document.querySelectorAll(SCROLLS.map((s) => `.bd-article ${s}`).join())) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
};
addEventListener("load", () => {
  reachWhatScrolls();
  window.MathJax?.startup?.promise?.then(reachWhatScrolls);
});
addEventListener("resize", reachWhatScrolls);
