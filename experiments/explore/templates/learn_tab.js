// Learn: gradient descent on points of two classes, with the boundary and the loss as they change.
(() => {
  const { element, digits } = Explorer;
  const PIXELS = 56;
  const REACH = 1.8;

  const grid = new Float64Array(2 * PIXELS * PIXELS);
  for (let i = 0; i < PIXELS * PIXELS; i++) {
    const place = (k) => -REACH + (2 * REACH * (k + 0.5)) / PIXELS;
    grid[2 * i] = place(i % PIXELS);
    grid[2 * i + 1] = -place(Math.floor(i / PIXELS));
  }

  const pythonLines = (data, values) => {
    const { hidden } = data.networks[values.network];
    const kinds = [...hidden.map(() => values.activation), "sigmoid"];
    return Explorer.filled(data.lines, {
      ...values,
      sizes: `[${[2, ...hidden, 1].join(", ")}]`,
      activations: `[${kinds.map((kind) => `"${kind}"`).join(", ")}]`,
    });
  };

  const boundary = (run) => {
    const of = (label) => Array.from(run.T.keys()).filter((i) => run.T[i] === label);
    const points = (label, mark) => ({
      kind: "points", label: `class ${label}`, colour: label, mark, size: 3.2,
      x: of(label).map((i) => run.X[2 * i]), y: of(label).map((i) => run.X[2 * i + 1]),
    });
    return {
      title: `Points of two classes, and the class that the network gives to each place after ${run.steps} steps`,
      square: true,
      x: { label: "first column", min: -REACH, max: REACH },
      y: { label: "second column", min: -REACH, max: REACH },
      series: [
        {
          kind: "image", label: "probability of class 1", unlisted: true, x: [-REACH, REACH], y: [-REACH, REACH],
          columns: PIXELS, rows: PIXELS, share: run.network.probability(grid, PIXELS * PIXELS),
        },
        points(0, "circle"),
        points(1, "square"),
      ],
    };
  };

  const lossCurve = (run) => ({
    title: `Mean cross-entropy after each step of gradient descent, now ${digits(run.loss)}`,
    x: { label: "steps of gradient descent", min: 0, max: Math.max(run.steps, 10) },
    y: { label: "loss (nat per point)", min: 0 },
    series: [{ kind: "line", label: "loss", unlisted: true, x: Array.from(run.losses.keys()), y: run.losses }],
  });

  Explorer.learnTab = (data) => ({
    name: "learn",
    label: "Learn",
    about:
      "A network learns to tell two classes of points apart, by gradient descent on all points at once. " +
      "Press Run and watch its boundary and its loss. The weights it begins with are those of ann for the same seed.",
    controls: [
      Explorer.choice("shape", "Points", data.shapes, "moons"),
      Explorer.choice(
        "network", "Network",
        Object.fromEntries(Object.entries(data.networks).map(([name, one]) => [name, one.label])), "shallow",
      ),
      Explorer.choice("activation", "Hidden units", Object.fromEntries(data.activations.map((a) => [a, a])), data.activations[0]),
      Explorer.stops("rate", "Learning rate", data.rates, "", data.rates[data.rates.length - 1]),
      Explorer.stops("seed", "Seed of points and weights", data.seeds, "", data.seeds[0]),
      Explorer.slider("steps", "Steps", { low: 0, high: data.mostSteps, step: 1, initial: 0 }),
    ],
    open({ extras, change, figure }) {
      let [run, key, values, running] = [null, "", null, 0];
      const go = element("button", { type: "button", class: "main", onclick: () => (running ? pause() : start()) }, "Run");
      const once = element("button", { type: "button", onclick: () => { pause(); advance(1); } }, "One step");
      const reset = element("button", { type: "button", onclick: () => { pause(); change("steps", 0); } }, "Begin again");
      const told = element("p", { class: "told", "data-told": "learn" });
      extras.append(element("div", { class: "buttons" }, go, once, reset), told);
      const lines = () => pythonLines(data, values);
      const places = figure("boundary", "Boundary between the classes", lines);
      const losses = figure("loss", "Loss", lines);

      const advance = (steps) => change("steps", Math.min(data.mostSteps, run.steps + steps));
      const pause = () => {
        cancelAnimationFrame(running);
        running = 0;
        go.textContent = "Run";
      };
      const frame = () => {
        advance(4);
        if (run.steps >= data.mostSteps || run.diverged) pause();
        else running = requestAnimationFrame(frame);
      };
      const start = () => {
        if (run.steps >= data.mostSteps) change("steps", 0);
        go.textContent = "Pause";
        running = requestAnimationFrame(frame);
      };

      return {
        show(now) {
          values = { ...now, steps: Math.round(now.steps) };
          const wanted = [now.shape, now.network, now.activation, now.seed, now.rate].join("/");
          if (wanted !== key || values.steps < run.steps) run = new Explorer.LearningRun(data, values);
          key = wanted;
          run.learn(values.steps);
          places.draw(boundary(run));
          losses.draw(lossCurve(run));
          const right = Math.round(run.accuracy * run.rows);
          told.textContent = run.diverged
            ? `After ${run.steps} steps the loss is no number any more: this learning rate is too high.`
            : `After ${run.steps} steps: loss ${digits(run.loss)}, ${right} of ${run.rows} points right.`;
        },
        close: pause,
      };
    },
  });
})();
