// Unit: the artificial unit that stands for a neuron, at the points of a grid that Python computed.
(() => {
  const { element, said } = Explorer;

  const nearest = (values, wanted) =>
    values.reduce((best, value) => (Math.abs(value - wanted) < Math.abs(best - wanted) ? value : best));

  const curve = (point) => {
    const series = [];
    if (point.best) {
      series.push(
        { kind: "band", label: "95 % band", colour: 0, x: point.fine, y: point.low, high: point.high },
        { kind: "line", label: `chosen unit: ${point.best}`, colour: 0, x: point.fine, y: point.fit },
      );
      if (point.sigmoid && point.best !== "logistic") {
        series.push({ kind: "line", label: "sigmoid", colour: 1, dashed: true, x: point.fine, y: point.sigmoid });
      }
    }
    series.push({ kind: "points", label: "measured rate", colour: 2, size: 3, x: point.current, y: point.rate });
    return {
      title: `f-I curve: ${point.words[0]}`,
      x: { label: "injected current (pA)" },
      y: { label: "firing rate (Hz)" },
      series,
    };
  };

  const residuals = (point) => {
    const series = [];
    if (point.best) {
      series.push({
        kind: "band", label: "counting noise (± 1 SD)", colour: 0, x: point.current,
        y: point.countNoise.map((noise) => -noise), high: point.countNoise,
      });
      if (point.sigmoid && point.best !== "logistic") {
        series.push({ kind: "points", label: "sigmoid", colour: 1, mark: "square", size: 2.6, x: point.current, y: point.sigmoidResidual });
      }
      series.push({ kind: "points", label: point.best, colour: 0, size: 3, x: point.current, y: point.residual });
    }
    series.push({ kind: "level", label: "zero", unlisted: true, at: 0 });
    return {
      title: "Counted rate less expected rate, for the chosen unit and for the sigmoid",
      x: { label: "injected current (pA)", ...(point.best ? {} : { min: point.current[0], max: point.current[point.current.length - 1] }) },
      y: { label: "residual (Hz)" },
      series,
    };
  };

  const familyTable = (head, rows) =>
    element(
      "table", {},
      element("caption", {}, "Families, best first"),
      element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col" }, name)))),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((text) => element("td", {}, text))))),
    );

  Explorer.unitTab = (data) => {
    const names = Object.keys(data.models);
    const sliders = names.flatMap((name) =>
      data.models[name].axes.map((axis) => ({
        ...Explorer.slider(`${name}.${axis.name}`, axis.label, {
          low: axis.values[0], high: axis.values[axis.values.length - 1], unit: axis.unit, initial: axis.initial,
          step: (axis.values[axis.values.length - 1] - axis.values[0]) / 100,
        }),
        when: (values) => values.model === name,
      })),
    );
    const placeOf = (values) => {
      const { axes } = data.models[values.model];
      return axes.map((axis) => nearest(axis.values, values[`${values.model}.${axis.name}`]));
    };
    const pointOf = (values) => data.models[values.model].points[placeOf(values).join("/")];

    return {
      name: "unit",
      label: "Unit",
      about:
        `Which artificial unit stands for a neuron? The neuron was run at many currents, and the likeliest of ${data.families} families was ` +
        "fitted to its spike counts. Add noise and watch the threshold become smooth, until a sigmoid fits. The curves were computed by bridge " +
        "at the points of a grid; the page shows the point that is nearest to the sliders.",
      controls: [
        Explorer.choice("model", "Neuron", Object.fromEntries(names.map((name) => [name, data.models[name].label])), names[0]),
        ...sliders,
      ],
      open({ extras, place, figure }) {
        let values = null;
        const told = element("p", { class: "told", "data-told": "unit" });
        const words = element("div", { class: "words" });
        const table = element("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Families, best first" });
        extras.append(told);
        const lines = () => Explorer.filled(data.lines, { ...pointOf(values), kind: values.model, seed: data.seed });
        const shown = [figure("curve", "f-I curve and its unit", lines), figure("residual", "What is left", lines)];
        const unlisted = element("div", { class: "words" });
        place.append(words, table, unlisted);
        return {
          show(now) {
            values = now;
            const point = pointOf(now);
            const at = data.models[now.model].axes.map((axis, k) => `${axis.name} = ${said(placeOf(now)[k])}\u00a0${axis.unit}`);
            told.textContent = `Nearest point of the grid: ${at.join(", ")}.`;
            shown[0].draw(curve(point));
            shown[1].draw(residuals(point));
            words.replaceChildren(...point.words.map((text) => element("p", {}, text)));
            table.replaceChildren(familyTable(data.head, point.families));
            const known = `${point.families.length} of ${data.families} families are listed.`;
            unlisted.replaceChildren(...[known, ...point.unlisted].map((text) => element("p", {}, text)));
          },
          close() {},
        };
      },
    };
  };
})();
