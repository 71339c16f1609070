// The theme gives the buttons that unfold its sidebar no name, which screen readers would say.
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("summary")) {
    if (!button.textContent.trim()) button.setAttribute("aria-label", "Pages below this one");
  }
});

// A figure that scrolls in itself is reached with the keyboard too.
const reachFigures = () => {
  for (const box of document.querySelectorAll(".bd-article .cell_output, .bd-article p:has(> img)")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
};
addEventListener("load", reachFigures);
addEventListener("resize", reachFigures);
