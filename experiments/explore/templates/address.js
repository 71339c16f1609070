// The state of the page in its address: #tab=learn&shape=moons&rate=0.1. What it cannot mean is left
// at its first value, and said.
(() => {
  Explorer.writeAddress = (tab, values, theme) => {
    const parts = [["tab", tab.name]];
    for (const control of tab.controls) {
      if (values[control.name] !== control.initial) {
        parts.push([control.name, control.write(values[control.name])]);
      }
    }
    if (theme !== "auto") parts.push(["theme", theme]);
    return `#${parts.map((part) => part.map(encodeURIComponent).join("=")).join("&")}`;
  };

  const shortened = (text) => (text.length > 40 ? `${text.slice(0, 40)}…` : text);

  const partsOf = (hash, complaints) => {
    const given = new Map();
    for (const part of hash.replace(/^#/, "").split("&").filter(Boolean)) {
      try {
        const [name, ...rest] = part.split("=");
        given.set(decodeURIComponent(name), decodeURIComponent(rest.join("=")));
      } catch {
        complaints.push(`"${shortened(part)}" cannot be read`);
      }
    }
    return given;
  };

  Explorer.initialValues = (tab) =>
    Object.fromEntries(tab.controls.map((control) => [control.name, control.initial]));

  Explorer.readAddress = (hash, tabs) => {
    const complaints = [];
    const given = partsOf(hash, complaints);
    const named = given.get("tab");
    const tab = tabs.find((one) => one.name === named) ?? tabs[0];
    if (named !== undefined && tab.name !== named) {
      complaints.push(
        `there is no tab "${shortened(named)}"; the tabs are ${tabs.map((one) => one.name).join(", ")}`,
      );
    }
    let theme = given.get("theme") ?? "auto";
    if (!["auto", "light", "dark"].includes(theme)) {
      complaints.push(`theme "${shortened(theme)}" is none of auto, light, dark`);
      theme = "auto";
    }
    const values = Explorer.initialValues(tab);
    for (const [name, text] of given) {
      if (name === "tab" || name === "theme") continue;
      const control = tab.controls.find((one) => one.name === name);
      const value = control?.read(text);
      if (!control) complaints.push(`the tab ${tab.name} has no "${shortened(name)}"`);
      else if (value === undefined) complaints.push(`${name} must be ${control.said}, not "${shortened(text)}"`);
      else values[name] = value;
    }
    return { tab, values, theme, complaints };
  };
})();
