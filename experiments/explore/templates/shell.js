// The frame around the tabs: which one is shown, its controls and figures, the address, the theme.
// A tab has `name`, `label`, `about`, `controls` and `open(place)`, which returns what the tab does:
// `show(values)`, called at each change, and `close()`.
(() => {
  const { element } = Explorer;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const state = { tab: null, values: {}, theme: "auto", remembered: new Map() };
  let opened = null;
  let shown = new Map();
  let figures = [];

  const theme = () => (state.theme === "auto" ? (dark.matches ? "dark" : "light") : state.theme);

  const save = (name, kind, text) => {
    const url = URL.createObjectURL(new Blob([text], { type: kind }));
    element("a", { href: url, download: name }).click();
    // A busy machine may take long to begin the download.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  };

  // Most descriptions are plots; one that has a `picture` says itself how it is drawn.
  const pictureOf = (spec, width, theme) => (spec.picture ?? Explorer.plot)(spec, width, theme);

  // A figure with its exports. `draw` takes a description and redraws; `lines` is a function that
  // returns the Python lines that give the same.
  class Figure {
    constructor(name, title, lines) {
      this.file = `neurosim-${state.tab.name}-${name}`;
      this.lines = lines;
      this.picture = element("div", { class: "picture" });
      this.caution = element("p", { class: "complaint", role: "status", hidden: true });
      this.code = element("code");
      this.details = element(
        "details", { ontoggle: () => this.tell() },
        // The browser says that it has opened only later: until then the lines would be empty.
        element("summary", { onclick: () => this.fill() }, "Python"),
        element("pre", { tabindex: 0, role: "region", "aria-label": `Python lines of: ${title}` }, this.code),
        element("button", { type: "button", onclick: () => save(`${this.file}.py`, "text/x-python", this.lines()) }, "Save these lines"),
      );
      this.root = element(
        "figure", { "data-figure": name },
        element("figcaption", {}, title),
        this.caution,
        this.picture,
        element(
          "div", { class: "exports" },
          element("button", { type: "button", "aria-label": `Save as SVG: ${title}`, onclick: () => this.saveSvg() }, "SVG"),
          element("button", { type: "button", "aria-label": `Save as CSV: ${title}`, onclick: () => save(`${this.file}.csv`, "text/csv", Explorer.csv(this.spec)) }, "CSV"),
        ),
        this.details,
      );
    }

    draw(spec) {
      this.spec = spec;
      this.redraw();
      this.tell();
    }

    // Say what a reader must know of the numbers that are drawn; nothing is said by "".
    warn(text) {
      this.caution.hidden = !text;
      this.caution.textContent = text;
    }

    redraw() {
      const width = Math.floor(this.picture.clientWidth);
      if (this.spec && width > 0) this.picture.replaceChildren(pictureOf(this.spec, width, theme()));
    }

    tell() {
      if (this.details.open) this.fill();
    }

    fill() {
      this.code.textContent = this.lines();
    }

    saveSvg() {
      const text = new XMLSerializer().serializeToString(pictureOf(this.spec, 640, "light"));
      save(`${this.file}.svg`, "image/svg+xml", `<?xml version="1.0" encoding="UTF-8"?>\n${text}\n`);
    }
  }

  const writeState = () => {
    const address = Explorer.writeAddress(state.tab, state.values, state.theme);
    if (address !== location.hash) history.replaceState(null, "", address);
  };

  // Controls of what is not chosen are not shown.
  const hideControls = () => {
    for (const control of state.tab.controls) {
      const built = shown.get(control.name);
      if (built && control.when) built.root.hidden = !control.when(state.values);
    }
  };

  const change = (name, value) => {
    state.values = { ...state.values, [name]: value };
    shown.get(name)?.show(value);
    hideControls();
    writeState();
    opened.show(state.values);
  };

  const openTab = (tab, values) => {
    opened?.close();
    if (state.tab) state.remembered.set(state.tab.name, state.values);
    state.tab = tab;
    state.values = values;
    for (const one of Explorer.tabs) {
      const button = document.getElementById(`tab-${one.name}`);
      button.setAttribute("aria-selected", String(one === tab));
      button.tabIndex = one === tab ? 0 : -1;
    }
    const panel = document.getElementById("panel");
    panel.setAttribute("aria-labelledby", `tab-${tab.name}`);
    const controls = element("form", { class: "controls", "aria-label": "Controls", onsubmit: (event) => event.preventDefault() });
    const extras = element("div", { class: "extras" });
    const place = element("div", { class: "figures" });
    shown = new Map();
    const groups = new Map();
    for (const control of tab.controls) {
      if (!control.build) continue;
      const built = control.build((value) => change(control.name, value));
      built.show(values[control.name]);
      shown.set(control.name, built);
      if (!control.group) {
        controls.append(built.root);
        continue;
      }
      // What belongs together is folded away until it is asked for, or an address has moved it.
      if (!groups.has(control.group)) {
        groups.set(control.group, element("details", { class: "group" }, element("summary", {}, control.group)));
        controls.append(groups.get(control.group));
      }
      const group = groups.get(control.group);
      group.append(built.root);
      if (values[control.name] !== control.initial) group.open = true;
    }
    hideControls();
    controls.append(extras);
    panel.replaceChildren(element("p", { class: "about" }, tab.about), element("div", { class: "bench" }, controls, place));
    figures = [];
    opened = tab.open({
      extras,
      place,
      change,
      theme,
      figure(name, title, lines) {
        const made = new Figure(name, title, lines);
        figures.push(made);
        place.append(made.root);
        return made;
      },
    });
    opened.show(state.values);
  };

  const complain = (complaints) => {
    const told = document.getElementById("complaint");
    told.hidden = complaints.length === 0;
    told.textContent = complaints.length
      ? `Part of this address is not understood: ${complaints.join("; ")}. The rest is shown.`
      : "";
  };

  const applyTheme = () => {
    document.documentElement.dataset.theme = theme();
    document.getElementById("theme").value = state.theme;
    for (const figure of figures) figure.redraw();
    opened?.recolour?.();
  };

  const restore = () => {
    const { tab, values, theme: wanted, complaints } = Explorer.readAddress(location.hash, Explorer.tabs);
    complain(complaints);
    state.theme = wanted;
    applyTheme();
    openTab(tab, values);
  };

  const select = (tab) => {
    complain([]);
    openTab(tab, state.remembered.get(tab.name) ?? Explorer.initialValues(tab));
    writeState();
  };

  const onKey = (event) => {
    const at = Explorer.tabs.indexOf(state.tab);
    const last = Explorer.tabs.length - 1;
    const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at ? at - 1 : last, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    select(Explorer.tabs[to]);
    document.getElementById(`tab-${Explorer.tabs[to].name}`).focus();
  };

  Explorer.start = () => {
    const list = document.getElementById("tabs");
    list.addEventListener("keydown", onKey);
    for (const tab of Explorer.tabs) {
      list.append(
        element("button", {
          type: "button", role: "tab", id: `tab-${tab.name}`, "aria-controls": "panel", onclick: () => select(tab),
        }, tab.label),
      );
    }
    document.getElementById("theme").addEventListener("change", (event) => {
      state.theme = event.target.value;
      applyTheme();
      writeState();
    });
    dark.addEventListener("change", applyTheme);
    window.addEventListener("hashchange", restore);
    let width = 0;
    new ResizeObserver(([entry]) => {
      if (entry.contentRect.width === width) return;
      width = entry.contentRect.width;
      for (const figure of figures) figure.redraw();
      opened?.recolour?.();
    }).observe(document.getElementById("panel"));
    restore();
  };
})();
