// The theme gives the buttons that unfold its sidebar no name, which screen readers would say.
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("summary")) {
    if (!button.textContent.trim()) button.setAttribute("aria-label", "Pages below this one");
  }
});
