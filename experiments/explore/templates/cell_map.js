// The figure of a neuron with extent: the moment that is shown, slow motion, and synapses that a
// click places.
(() => {
  const { element, digits, said } = Explorer;
  const KINDS = ["excitatory", "inhibitory"];
  const FRAME_MS = 50;
  const MOST = 60;

  // Synapses as the address writes them: e12e12i3, each a kind and the number of a site.
  const synapsesOf = (text) =>
    [...text.matchAll(/([ei])(\d+)/g)].map(([, kind, site]) => ({ kind: kind === "e" ? KINDS[0] : KINDS[1], site: Number(site) }));
  Explorer.synapsesOf = synapsesOf;

  // The controls that only a neuron with extent has; those of a kind of synapse are shown once there is one.
  Explorer.cellControls = (name, model) => {
    const count = model.sites.length;
    const read = (text) =>
      /^([ei]\d{1,4})*$/.test(text) && synapsesOf(text).length <= MOST && synapsesOf(text).every(({ site }) => site < count) ? text : undefined;
    const moment = (text) =>
      text.trim() !== "" && Number(text) >= 0 && Number(text) <= model.duration_ms ? String(Number(text)) : undefined;
    return [
      Explorer.kept(`${name}.synapses`, "", read, `up to ${MOST} of e or i with the number of a site below ${count}, such as e12i3`),
      Explorer.kept(`${name}.at`, "", moment, `a time from 0 to ${model.duration_ms} ms`),
      ...KINDS.flatMap((kind) => [
        Explorer.slider(`${name}.${kind}.peak`, `Peak conductance of an ${kind} synapse`, {
          low: 0, high: 5 * model.synapse_nS, step: model.synapse_nS / 20, unit: "nS", initial: model.synapse_nS,
        }),
        Explorer.slider(`${name}.${kind}.time`, `Time at which ${kind} synapses act`, {
          low: 0, high: model.duration_ms, step: 0.5, unit: "ms", initial: model.synapse_ms,
        }),
      ].map((control) => ({ ...control, when: (values) => values.model === name && values[`${name}.synapses`].includes(kind[0]) }))),
    ];
  };

  // What arrives at the receptors, as the kernel takes it.
  Explorer.arrivalsOf = (model, name, values) =>
    Object.fromEntries(
      KINDS.map((kind) => {
        const counts = new Map();
        for (const one of synapsesOf(values[`${name}.synapses`])) {
          if (one.kind === kind) counts.set(one.site, (counts.get(one.site) ?? 0) + 1);
        }
        const time = values[`${name}.${kind}.time`] * 1e-3;
        const quanta = values[`${name}.${kind}.peak`] / model.quantum_nS;
        return [kind, [...counts].map(([site, count]) => ({ site, time, weight: count * quanta }))];
      }),
    );

  // The same as Python writes it.
  Explorer.placesInPython = (model, name, values, kind) =>
    `[${synapsesOf(values[`${name}.synapses`]).filter((one) => one.kind === kind).map(({ site }) => {
      const compartment = model.sites[site];
      return `("${model.shape.branch[compartment]}", ${model.shape.position[compartment]})`;
    }).join(", ")}]`;

  Explorer.cellMap = ({ figure, change }, colours, lines) => {
    const shown = figure("cell", "Potential along the cell", lines);
    let [found, model, name, values, moment, timer, spec] = [null, null, "", null, 0, 0, null];
    // As the controls stand, while `values` are those of the run that is shown.
    let latest = { name: "", values: null };
    const trace = (compartment) => found.traces[`cell[${compartment}]`][0];
    const time_ms = () => found.time[moment] * 1e3;
    const siteWords = (compartment) => {
      const branch = model.shape.branch[compartment].replace(/_/g, " ");
      const away = Math.round(model.shape.distance[compartment]);
      return away === 0 ? branch : `${branch}, ${said(away)} µm from the soma`;
    };

    const clock = element("input", {
      type: "range", min: 0, step: 1, id: "moment",
      oninput: () => (stop(), go(Number(clock.value))),
      onchange: () => keep(),
    });
    const words = element("p", { class: "told" });
    const play = element("button", { type: "button", class: "main", onclick: () => (timer ? (stop(), keep()) : start()) }, "Slow motion");
    const next = element("button", { type: "button", onclick: () => toNextSpike() }, "Next spike");
    const speed = element("select", { "aria-label": "Speed of the slow motion" });
    for (const [samples, label] of [[1, "1 ms lasts 2 s"], [4, "1 ms lasts 0.5 s"], [20, "1 ms lasts 0.1 s"]]) {
      speed.append(element("option", { value: samples }, label));
    }
    speed.value = 4;
    const kind = element("select", { id: "synapse-kind" });
    for (const one of KINDS) kind.append(element("option", { value: one }, `an ${one} synapse`));
    const place = element("select", { id: "synapse-place" });
    const placed = element("p", { class: "told" });
    const put = element("button", { type: "button", onclick: () => add(Number(place.value)) }, "Place it there");
    const less = element("button", { type: "button", onclick: () => set(latest.values[`${latest.name}.synapses`].replace(/[ei]\d+$/, "")) }, "Take the last away");
    const none = element("button", { type: "button", onclick: () => set("") }, "Take all away");
    shown.picture.after(
      element("div", { class: "tools" },
        element("label", { for: "moment" }, "Moment that is shown"), clock, words,
        element("div", { class: "buttons" }, play, next, speed),
        element("div", { class: "buttons" },
          element("label", { for: "synapse-kind" }, "A click on a dendrite or the soma places"), kind,
          element("label", { for: "synapse-place" }, "or choose where:"), place, put, less, none),
        placed));
    shown.picture.classList.add("clickable");
    shown.picture.addEventListener("click", (event) => {
      const picture = shown.picture.firstElementChild;
      if (!picture?.panels || !model) return;
      const at = picture.getBoundingClientRect();
      const nearest = Explorer.nearestOf(picture, model.shape, model.sites, event.clientX - at.left, event.clientY - at.top);
      if (nearest >= 0) add(model.sites.indexOf(nearest));
    });

    const set = (text) => {
      const key = `${latest.name}.synapses`;
      latest = { ...latest, values: { ...latest.values, [key]: text } };
      change(key, text);
    };
    const add = (site) => {
      const now = latest.values[`${latest.name}.synapses`];
      if (synapsesOf(now).length < MOST) set(`${now}${kind.value[0]}${site}`);
      else placed.textContent = `There are ${MOST} synapses; that is the most.`;
    };
    const keep = () => change(`${name}.at`, String(Number(time_ms().toFixed(4))));

    const go = (to) => {
      moment = Math.min(Math.max(to, 0), found.time.length - 1);
      clock.value = moment;
      spec.title = `Membrane potential along the cell after ${digits(time_ms(), 5)} ms`;
      shown.picture.firstElementChild?.paint?.();
      const where = Object.keys(found.traces).filter((one) => !one.startsWith("cell["));
      const now = where.map((one) => `${one.replace(/_/g, " ")} ${said(found.traces[one][0][moment] * 1e3, 3)}`).join(", ");
      words.textContent = `After ${digits(time_ms(), 5)} ms, in mV: ${now}.`;
      clock.setAttribute("aria-valuetext", words.textContent);
    };
    const stop = () => {
      clearInterval(timer);
      timer = 0;
      play.textContent = "Slow motion";
    };
    const start = () => {
      play.textContent = "Pause";
      if (moment >= found.time.length - 1) go(0);
      timer = setInterval(() => {
        go(moment + Number(speed.value));
        if (moment >= found.time.length - 1) {
          stop();
          keep();
        }
      }, FRAME_MS);
    };
    // When each spike begins: at the detector that sees it first.
    const spikeTimes = () => {
      const times = found.spikes.map((spike) => spike.time).sort((a, b) => a - b);
      return times.filter((time, k) => k === 0 || time - times[k - 1] > 3e-3);
    };
    const sampleAt = (time) => {
      const first = found.time.findIndex((one) => one >= time - 1e-9);
      return first < 0 ? found.time.length - 1 : first;
    };
    const toNextSpike = () => {
      const later = spikeTimes().find((time) => time - 2e-4 > found.time[moment] + 1e-4) ?? spikeTimes()[0];
      if (later === undefined) return;
      stop();
      go(sampleAt(later - 2e-4));
      keep();
    };
    const follow = () => {
      const wanted = values[`${name}.at`];
      if (timer) return;
      go(wanted === "" ? (spikeTimes().length ? sampleAt(spikeTimes()[0]) : 0) : sampleAt(Number(wanted) * 1e-3));
    };

    return {
      root: shown.root,
      moment: () => moment,
      // The controls have moved, and the run is yet to come.
      asked(now) {
        if (now.model !== latest.name) stop();
        latest = { name: now.model, values: now };
      },
      // Only the moment has changed.
      follow(now) {
        values = now;
        if (found && spec) follow();
      },
      show(now, of, run) {
        const other = of !== model;
        [values, model, name, found] = [now, of, now.model, run];
        if (other) place.replaceChildren(...model.sites.map((one, k) => element("option", { value: k }, siteWords(one))));
        clock.max = found.time.length - 1;
        let [low, high] = [Infinity, -Infinity];
        for (let c = 0; c < model.shape.branch.length; c++) {
          for (const value of trace(c)) {
            if (value < low) low = value;
            if (value > high) high = value;
          }
        }
        const synapses = synapsesOf(values[`${name}.synapses`]);
        const marks = KINDS.flatMap((one) => {
          const at = synapses.filter((synapse) => synapse.kind === one).map(({ site }) => model.sites[site]);
          return [...new Set(at)].map((compartment) => ({ kind: one, compartment, count: at.filter((c) => c === compartment).length }));
        });
        spec = {
          title: "Membrane potential along the cell", shape: model.shape, colours, marks,
          limits: [Math.floor(low * 100) * 10, Math.ceil(high * 100) * 10],
          potentials: () => model.shape.branch.map((_, c) => trace(c)[moment] * 1e3),
          picture: Explorer.cellPicture,
          table: () => [
            ["part", "time (ms)", "distance from the soma (µm)", "potential (mV)"],
            ...model.shape.branch.map((branch, c) => [branch, time_ms(), model.shape.distance[c], trace(c)[moment] * 1e3]),
          ],
        };
        moment = Math.min(moment, found.time.length - 1);
        shown.draw(spec);
        follow();
        const parts = marks.map(({ kind: one, compartment, count }) => `${count} ${one} on ${siteWords(compartment)}`);
        placed.textContent = parts.length ? `Synapses: ${parts.join("; ")}.` : "No synapse is placed.";
        [less.disabled, none.disabled] = [!parts.length, !parts.length];
      },
      close: stop,
    };
  };
})();
