// Network: a digit through a trained network and through the same network on spiking neurons.
(() => {
  const { element, digits } = Explorer;
  const CLASSES = Array.from({ length: 10 }, (_, k) => k);

  const probabilities = (trained, spiking, at) => ({
    title: `Probability of each digit: the trained network, and its spiking neurons after ${at} ms`,
    x: { label: "digit", min: -0.6, max: 9.6, ticks: CLASSES },
    y: { label: "probability", min: 0, max: 1.03 },
    series: [
      { kind: "columns", label: "trained network", breadth: 0.36, shift: -0.19, x: CLASSES, y: trained.probabilities },
      { kind: "columns", label: "spiking neurons", breadth: 0.36, shift: 0.19, x: CLASSES, y: spiking.probabilities },
    ],
  });

  const agreement = (trained, spiking, at) => ({
    title: `Activation read from the rate of each neuron after ${at} ms, against the activation of its unit`,
    x: { label: "activation of the trained unit", min: -0.05, max: 1.05 },
    y: { label: "activation read from its rate", min: -0.25, max: 1.4 },
    series: [
      { kind: "line", label: "equal", x: [0, 1], y: [0, 1], dashed: true, colour: 2, width: 1.4 },
      { kind: "points", label: "one hidden unit", colour: 0, size: 3.6, x: trained.activations, y: spiking.activations },
    ],
  });

  const rates = (trained, spiking, at) => ({
    title: `Rate of each hidden neuron after ${at} ms, against the activation of its unit`,
    x: { label: "activation of the trained unit", min: -0.05, max: 1.05 },
    y: { label: "rate (Hz)", min: 0 },
    series: [{ kind: "points", label: "rate", unlisted: true, size: 3.6, x: trained.activations, y: spiking.rates }],
  });

  const raster = (spikes, at, shown) => {
    const x = [];
    const y = [];
    spikes.forEach((times, unit) => {
      for (const time of times) {
        if (time * 1e3 >= at) continue;
        x.push(time * 1e3);
        y.push(unit + 1);
      }
    });
    return {
      title: `Spikes of the ${spikes.length} hidden neurons in the first ${at} ms: ${x.length} spikes`,
      x: { label: "time since the image came on (ms)", min: 0, max: shown },
      y: { label: "hidden neuron", min: 0, max: spikes.length + 1 },
      series: [{ kind: "points", label: "spike", unlisted: true, mark: "bar", size: 3, x, y }],
    };
  };

  const likeliest = (list) => list.indexOf(Math.max(...list));
  const percent = (share) => `${digits(100 * share, 3)}\u00a0%`;

  Explorer.networkTab = (data) => {
    const images = Explorer.unpack(data.images);
    const levelsAt = (index) => Array.from(images.subarray(64 * index, 64 * index + 64));
    const offered = { drawn: "what is drawn on the pad" };
    data.digits.forEach((digit, index) => {
      offered[String(index)] = `a ${digit}, image ${index + 1} held out`;
    });
    const times = [];
    for (let t = data.every_ms; t <= data.shown_ms; t += data.every_ms) times.push(t);
    const trainedNetwork = new Explorer.TrainedNetwork(data);
    const twin = new Explorer.SpikingTwin(data);

    return {
      name: "network",
      label: "Network",
      about:
        `A network of ${data.sizes[1]} hidden units reads a digit, and so do ${data.sizes[1]} spiking neurons that stand for its units: ` +
        "leaky integrate-and-fire neurons with a threshold of " +
        `${Explorer.said(1e3 * data.neuron.V_th)}\u00a0mV and noise of ${digits(data.noise_mV)} mV. Draw a digit or pick one, then move the time: ` +
        "the answer of the neurons settles as spikes come in.",
      controls: [
        Explorer.choice("image", "Image", offered, "0"),
        Explorer.stops("at", "Time of the decision", times, "ms", 50),
        Explorer.stops("seed", "Seed of the noise", data.seeds, "", data.seeds[0]),
        Explorer.kept("ink", "0".repeat(64), (text) => (Explorer.isInk(text) ? text : undefined), "64 signs from 0 to 9 and a to g"),
      ],
      open({ extras, change, figure, theme }) {
        let [values, key, keepStrokes, timer] = [null, "", false, 0];
        let [trained, spikes, levels] = [null, null, null];
        const pad = Explorer.drawingPad((drawn, fromStrokes) => {
          keepStrokes = fromStrokes;
          change("ink", Explorer.inkText(drawn));
          change("image", "drawn");
        }, theme);
        const told = element("p", { class: "told", "data-told": "network" });
        const play = element("button", { type: "button", class: "main", onclick: () => (timer ? pause() : start()) }, "Play the time");
        const clear = element("button", { type: "button", onclick: () => pad.clear() }, "Clear the pad");
        extras.append(pad.root, element("div", { class: "buttons" }, play, clear), told,
          element("p", { class: "source" }, "Images: Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, UCI, CC BY 4.0."));
        const lines = () =>
          Explorer.filled(data.lines, {
            ...values, image: `[${levels.join(", ")}]`, levels: data.levels, shown: data.shown_ms, settle: data.settle_ms,
          });
        const shown = {
          answer: figure("probabilities", "What the image shows", lines),
          agreement: figure("activations", "Neurons against units", lines),
          rates: figure("rates", "Rates against activations", lines),
          raster: figure("spikes", "Spikes", lines),
        };

        const pause = () => {
          clearInterval(timer);
          timer = 0;
          play.textContent = "Play the time";
        };
        const start = () => {
          play.textContent = "Pause";
          let k = values.at >= data.shown_ms ? 0 : times.indexOf(values.at);
          timer = setInterval(() => {
            change("at", times[k]);
            k += 1;
            if (k >= times.length) pause();
          }, 120);
        };

        return {
          show(now) {
            values = now;
            levels = now.image === "drawn" ? Explorer.inkLevels(now.ink) : levelsAt(Number(now.image));
            const wanted = `${levels}/${now.seed}`;
            if (wanted !== key) {
              const image = Float64Array.from(levels, (level) => level / data.levels);
              trained = trainedNetwork.read(image);
              spikes = twin.run(image, now.seed);
              key = wanted;
            }
            pad.show(levels, keepStrokes && now.image === "drawn");
            const spiking = twin.read(spikes, now.at / 1e3);
            shown.answer.draw(probabilities(trained, spiking, now.at));
            shown.agreement.draw(agreement(trained, spiking, now.at));
            shown.rates.draw(rates(trained, spiking, now.at));
            shown.raster.draw(raster(spikes, now.at, data.shown_ms));
            const [units, neurons] = [likeliest(trained.probabilities), likeliest(spiking.probabilities)];
            const count = spiking.counts.reduce((sum, one) => sum + one, 0);
            told.textContent =
              `The trained network says ${units} (${percent(trained.probabilities[units])}). ` +
              `After ${now.at} ms and ${count} spikes the neurons say ${neurons} (${percent(spiking.probabilities[neurons])}).`;
          },
          recolour: pad.paint,
          close: pause,
        };
      },
    };
  };
})();
