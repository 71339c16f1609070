// Neuron: a neuron that runs in the page, by the program that Python runs. The explorer shows several of
// the catalogue; an exported page shows one.
(() => {
  const { element, digits, said } = Explorer;

  // A trace has thousands of samples; a picture has hundreds of columns. Of each stretch the lowest and
  // the highest sample are kept, so that no spike is lost.
  const thinned = (time, values, scale, most = 1200) => {
    const stretch = Math.ceil((2 * time.length) / most);
    if (stretch <= 2) return { x: Array.from(time, (t) => t * 1e3), y: Array.from(values, (v) => v / scale) };
    const [x, y] = [[], []];
    for (let from = 0; from < time.length; from += stretch) {
      let [low, high] = [from, from];
      for (let i = from; i < Math.min(from + stretch, time.length); i++) {
        if (values[i] < values[low]) low = i;
        if (values[i] > values[high]) high = i;
      }
      for (const i of low < high ? [low, high] : [high, low]) {
        x.push(time[i] * 1e3);
        y.push(values[i] / scale);
      }
    }
    return { x, y };
  };

  // The unit of a trace, which is a potential unless the model says otherwise.
  const unitOf = (model, name) => model.units?.[name] ?? { unit: "mV", scale: 1e-3 };
  const namesOf = (model, traces, unit) =>
    Object.keys(traces).filter((name) => !name.startsWith("cell[") && unitOf(model, name).unit === unit);
  const tracesOf = (found, model, unit) =>
    namesOf(model, found.traces, unit).map((name, k) => {
      const [values] = found.traces[name];
      const { scale } = unitOf(model, name);
      return {
        kind: "line", label: name.replace(/_/g, " "), colour: k, width: 1.4, ...thinned(found.time, values, scale),
        whole: () => ({ x: Array.from(found.time, (t) => t * 1e3), y: Array.from(values, (v) => v / scale) }),
      };
    });
  const otherTraces = (found, model, unit) => ({
    title: `Other probes of the neuron, in ${unit}`,
    x: { label: "time (ms)", min: 0, max: model.duration_ms },
    y: { label: `traced (${unit})` },
    series: tracesOf(found, model, unit),
  });

  // `level`: where a line stands, in mV, and what it is; null for none.
  const potential = (found, model, level) => {
    const traces = tracesOf(found, model, "mV").map((one) => (model.point ? { ...one, label: "membrane potential", unlisted: true } : one));
    return {
      title: `Membrane potential in ${model.duration_ms} ms`,
      x: { label: "time (ms)", min: 0, max: model.duration_ms },
      y: { label: "potential (mV)" },
      series: [...traces, ...(level ? [{ kind: "level", label: `${level.label}, ${said(level.at)} mV`, at: level.at }] : [])],
    };
  };

  const raster = (spikes, model, trials) => ({
    title: trials > 1
      ? `Spikes of ${trials} trials with noise of their own: ${spikes.length} in all`
      : `Spikes without noise, with which every trial is the same: ${spikes.length}`,
    x: { label: "time (ms)", min: 0, max: model.duration_ms },
    y: { label: "trial", min: 0.3, max: trials + 0.7, ...(trials > 1 ? {} : { ticks: [1] }) },
    ...(trials > 1 ? {} : { high: 60 }),
    series: [{
      kind: "points", label: "spike", unlisted: true, mark: "bar", size: 6,
      x: spikes.map((spike) => spike.time * 1e3), y: spikes.map((spike) => spike.row + 1),
    }],
  });

  const curve = (currents_pA, rates, now_pA, seconds, most_pA) => ({
    title: `Firing rate over ${seconds} s, by current`,
    x: { label: "injected current (pA)", min: -0.04 * most_pA, max: 1.04 * most_pA },
    y: { label: "firing rate (Hz)", min: 0 },
    series: [
      { kind: "line", label: "rate", unlisted: true, colour: 0, x: currents_pA, y: rates },
      { kind: "points", label: "counted rate", unlisted: true, colour: 0, size: 2.6, x: currents_pA, y: rates },
      { kind: "line", label: "the current chosen", colour: 1, dashed: true, x: [now_pA, now_pA], y: [0, Math.max(...rates, 1)] },
    ],
  });

  // A caution of a rate that hardly any neuron has. A model whose threshold lies below its reset spikes without
  // end, and the rate that is drawn tells how long the time step is.
  const cautionOf = (rate, step, most_Hz) => {
    if (!(rate > most_Hz)) return "";
    const steps = Math.round(1 / (rate * step));
    return `Caution: ${said(rate)} Hz is a rate that hardly any neuron reaches; few fire at more than ${said(most_Hz)} Hz. ` +
      (steps <= 10
        ? `A spike comes ${steps > 1 ? `about every ${steps} time steps` : "at every time step"} (of ${said(step * 1e3)} ms): ` +
          "is the threshold below the reset potential?"
        : "Check the threshold, the reset and the refractory period.");
  };

  Explorer.neuronTab = (data) => {
    const names = Object.keys(data.models);
    const keyOf = (name, slider) => `${name}.${slider.name}`;
    const sliders = names.flatMap((name) =>
      data.models[name].sliders.map((slider) => ({
        ...Explorer.slider(keyOf(name, slider), slider.label, {
          low: slider.low, high: slider.high, unit: slider.unit, initial: slider.initial,
          step: Number(((slider.high - slider.low) / 200).toPrecision(3)),
        }),
        when: (values) => values.model === name,
        // Dozens of sliders would push the figures out of sight.
        group: slider.described && data.models[name].sliders.length > 14 ? `All ${data.models[name].sliders.length - 2} parameters of the neuron` : "",
      })),
    );
    const cells = names.filter((name) => data.models[name].shape);
    // Values in SI units, by the names of the package.
    const siOf = (values) =>
      Object.fromEntries(
        movedOf(values).map((slider) => [slider.name, values[keyOf(values.model, slider)] * slider.scale]),
      );
    // A number of the description that was not moved stays as it is, to the last digit.
    const movedOf = (values) =>
      data.models[values.model].sliders.filter(
        (slider) => !slider.described || values[keyOf(values.model, slider)] !== slider.initial,
      );
    // The threshold of a neuron, where its slider stands if there is one.
    const levelOf = ({ threshold, sliders }, values) => {
      if (!threshold) return null;
      const moved = sliders.find((slider) => slider.name === threshold.slider);
      return { label: threshold.label, at: moved ? values[keyOf(values.model, moved)] : threshold.mV };
    };
    // Trials differ by their noise alone: without it, one shows them all.
    const trialsOf = (values) => {
      const { noise, point } = data.models[values.model];
      return point && (noise === null || values[`${values.model}.${noise}`] !== 0) ? data.trials : 1;
    };
    const seedsOf = (values) => Array.from({ length: trialsOf(values) }, (_, k) => (values.seed - 1) * data.trials + k + 1);

    return {
      name: "neuron",
      label: "Neuron",
      about:
        data.about ??
        "A neuron runs in this page, by the program that Python compiles for it: its spikes are those of Python. Move the current, the noise or a " +
        "property of the membrane, and see its potential, its spikes and its f-I curve. In a neuron that is drawn, a click places a synapse.",
      controls: [
        {
          ...Explorer.choice("model", "Neuron", Object.fromEntries(names.map((name) => [name, data.models[name].label])), names[0]),
          when: () => names.length > 1,
        },
        ...sliders,
        ...cells.flatMap((name) => Explorer.cellControls(name, data.models[name])),
        Explorer.stops("seed", "Seed of the noise", data.seeds, "", data.seeds[0]),
      ],
      open({ extras, figure, change }) {
        const runner = Explorer.sharedRunner ?? (Explorer.sharedRunner = new Explorer.NeuronRunner(data));
        let values = null;
        const told = element("p", { class: "told", "data-told": "neuron" });
        extras.append(told);

        const written = (pairs) => `{${pairs.join(", ")}}`;
        const lines = (ofCurve = false, ofCell = false) => {
          const model = data.models[values.model];
          const said = (slider, all) => {
            const value = digits(values[keyOf(values.model, slider)], 12);
            return `${JSON.stringify(slider.name)}: ${all ? `[${value}]` : value}${slider.python === "1" ? "" : ` * ${slider.python}`}`;
          };
          const batch = model.sliders.filter((slider) => !slider.together).map((slider) => said(slider, true));
          const placed = !model.shape ? {} : Object.fromEntries(
            ["excitatory", "inhibitory"].flatMap((kind) => [
              [kind, Explorer.placesInPython(model, values.model, values, kind)],
              [`${kind}_peak`, digits(values[`${values.model}.${kind}.peak`], 12)],
              [`${kind}_time`, digits(values[`${values.model}.${kind}.time`], 12)],
            ]),
          );
          return Explorer.filled(ofCurve ? model.curveLines : ofCell ? model.cellLines : model.lines, {
            ...placed, moment: ofCell ? map.moment() : 0,
            batch: written(batch), seed: values.seed, seeds: `[${seedsOf(values).join(", ")}]`,
            together: written(model.sliders.filter((slider) => slider.together).map((slider) => said(slider, false))),
          });
        };
        const map = cells.length ? Explorer.cellMap({ figure, change }, data.colours, () => lines(false, true)) : null;
        const trace = figure("potential", "Membrane potential", () => lines());
        const units = [...new Set(names.flatMap((name) => Object.values(data.models[name].units ?? {}).map((one) => one.unit)))];
        const others = units.map((unit, k) => ({ unit, shown: figure(`probes-${k + 1}`, `Other probes, in ${unit}`, () => lines()) }));
        const spikes = figure("spikes", "Spikes, trial by trial", () => lines());
        const rates = figure("curve", "f-I curve", () => lines(true));

        const say = (text) => (told.textContent = text);
        const run = () => {
          const model = data.models[values.model];
          const si = siOf(values);
          spikes.root.hidden = !model.point;
          rates.root.hidden = !model.curve;
          trace.root.hidden = false;
          if (map) {
            map.root.hidden = !model.shape;
            map.asked(values);
          }
          const asked = { ...values };
          const trials = trialsOf(values);
          const seeds = model.point ? seedsOf(values) : values.seed;
          const request = { name: values.model, rows: trials, untraced: false, values: si, seeds };
          if (model.shape) request.arrivals = Explorer.arrivalsOf(model, values.model, values);
          runner.ask("trace", request, (found, error) => {
            if (error) {
              // What is drawn belongs to other values.
              for (const one of [trace, spikes, rates, map, ...others.map(({ shown }) => shown)]) if (one) one.root.hidden = true;
              return say(`This neuron does not run: ${error}.`);
            }
            trace.draw(potential(found, model, levelOf(model, asked)));
            for (const { unit, shown } of others) {
              shown.root.hidden = namesOf(model, found.traces, unit).length === 0;
              if (!shown.root.hidden) shown.draw(otherTraces(found, model, unit));
            }
            if (model.shape) map.show(values, model, found);
            if (model.point) spikes.draw(raster(found.spikes, model, trials));
            const first = found.spikes.filter((spike) => spike.row === 0 && spike.detector === 0);
            trace.warn(cautionOf((1e3 * first.length) / model.duration_ms, found.step, data.most_Hz));
            say(
              first.length
                ? `${trials > 1 ? "Trial 1: " : ""}${first.length} spike${first.length > 1 ? "s" : ""} in ${model.duration_ms} ms, the first after ${digits(first[0].time * 1e3)} ms.`
                : `${trials > 1 ? "Trial 1: no" : "No"} spike in ${model.duration_ms} ms.`,
            );
            told.dataset.done = JSON.stringify(asked);
          });
          if (model.curve) runCurve(model, request, asked);
        };

        // All currents at once, or one by one where the rows of a neuron cannot run together or take long.
        // Each answer belongs to the sliders as they were when it was asked for.
        let asking = 0;
        const runCurve = (model, request, asked) => {
          const mine = ++asking;
          const begun = performance.now();
          const currents = Array.from({ length: data.currents }, (_, k) => (k * model.most_pA) / (data.currents - 1));
          const [current] = model.sliders;
          const seconds = data.curve_ms * 1e-3;
          const found_Hz = [];
          const next = () => {
            const here = model.oneByOne ? [currents[found_Hz.length]] : currents;
            const si = here.map((pA) => pA * current.scale);
            const many = {
              ...request, rows: here.length, untraced: model.point, seeds: asked.seed,
              values: { ...request.values, duration: seconds, [current.name]: model.oneByOne ? si[0] : si },
            };
            runner.ask("curve", many, (found, error) => {
              if (error || mine !== asking) return;
              const counts = here.map(() => 0);
              for (const spike of found.spikes) if (spike.detector === 0) counts[spike.row] += 1;
              found_Hz.push(...counts.map((count) => count / seconds));
              // A quick curve is drawn when it is whole, so that it does not flicker.
              const whole = found_Hz.length === currents.length;
              rates.warn(cautionOf(Math.max(...found_Hz), found.step, data.most_Hz));
              if (whole || performance.now() - begun > 400)
                rates.draw(curve(currents.slice(0, found_Hz.length), found_Hz, asked[keyOf(asked.model, current)], seconds, model.most_pA));
              if (!whole) next();
            });
          };
          next();
        };

        return {
          show(now) {
            const same = (key) => key.endsWith(".at") || now[key] === values[key];
            const moved = values && Object.keys(now).every(same);
            values = now;
            if (moved) map?.follow(now);
            else run();
          },
          close() {
            map?.close();
            runner.silence();
          },
        };
      },
    };
  };
})();
