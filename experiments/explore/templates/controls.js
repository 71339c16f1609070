// Controls of a tab. Each knows how its value is written in the address and read back: `read` gives
// undefined for words that are no value of it.
(() => {
  const { element } = Explorer;
  let count = 0;

  const labelled = (control, text, id, ...inputs) =>
    element("div", { class: "control", "data-control": control }, element("label", { for: id }, text), ...inputs);

  // One of a few values, each with the words that are shown: {value: words}.
  Explorer.choice = (name, label, options, initial) => {
    const id = `control-${++count}`;
    return {
      name,
      initial,
      read: (text) => Object.keys(options).find((value) => value === text),
      write: String,
      said: `one of ${Object.keys(options).join(", ")}`,
      build(changed) {
        const select = element("select", { id, onchange: () => changed(select.value) });
        for (const [value, words] of Object.entries(options)) {
          select.append(element("option", { value }, words));
        }
        return { root: labelled(name, label, id, select), show: (value) => (select.value = value) };
      },
    };
  };

  // A slider over a list of numbers.
  Explorer.stops = (name, label, values, unit, initial) => {
    const id = `control-${++count}`;
    const words = (value) => `${Explorer.said(value)}${unit ? ` ${unit}` : ""}`;
    return {
      name,
      initial,
      read: (text) => (text.trim() === "" ? undefined : values.find((value) => value === Number(text))),
      write: String,
      said: `one of ${values.map((value) => Explorer.digits(value)).join(", ")}${unit ? ` ${unit}` : ""}`,
      build(changed) {
        const output = element("output", { for: id });
        const slider = element("input", {
          id, type: "range", min: 0, max: values.length - 1, step: 1,
          oninput: () => changed(values[Number(slider.value)]),
        });
        return {
          root: labelled(name, label, id, slider, output),
          show(value) {
            slider.value = values.indexOf(value);
            slider.setAttribute("aria-valuetext", words(value));
            output.textContent = words(value);
          },
        };
      },
    };
  };

  // A slider between two ends.
  Explorer.slider = (name, label, { low, high, step, unit = "", initial }) => {
    const id = `control-${++count}`;
    const words = (value) => `${Explorer.said(value)}${unit ? ` ${unit}` : ""}`;
    return {
      name,
      initial,
      read(text) {
        const value = Number(text);
        return text.trim() !== "" && value >= low && value <= high ? value : undefined;
      },
      write: (value) => String(Number(value.toPrecision(7))),
      said: `a number from ${Explorer.digits(low)} to ${Explorer.digits(high)}${unit ? ` ${unit}` : ""}`,
      build(changed) {
        const output = element("output", { for: id });
        const input = element("input", {
          id, type: "range", min: low, max: high, step, oninput: () => changed(Number(input.value)),
        });
        return {
          root: labelled(name, label, id, input, output),
          show(value) {
            input.value = value;
            input.setAttribute("aria-valuetext", words(value));
            output.textContent = words(value);
          },
        };
      },
    };
  };

  // A value that the address keeps and another part of the tab shows, such as a drawing.
  Explorer.kept = (name, initial, read, said) => ({ name, initial, read, write: String, said, build: null });
})();
