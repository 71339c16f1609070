// The spiking twin of the network: its neurons step by step, and what their spikes say. The rules are
// those of `bridge.spiking` and of the engine; every number comes from Python.
(() => {
  Explorer.SpikingTwin = class {
    constructor(data) {
      this.data = data;
      this.weights = Explorer.unpack(data.weights_pA);
      this.holding = Explorer.unpack(data.holding_pA);
      this.offset = Explorer.unpack(data.offset);
      this.slope = Explorer.unpack(data.slope_s);
      this.outputWeights = Explorer.unpack(data.outputWeights);
      this.outputBias = Explorer.unpack(data.outputBias);
      this.units = this.holding.length;
      const { dt } = data.neuron;
      this.settleSteps = Math.round((data.settle_ms * 1e-3) / dt);
      this.shownSteps = Math.round((data.shown_ms * 1e-3) / dt);
      this.deviates = Explorer.normalDeviates(data.neuron);
      this.settled = new Map();
    }

    // One neuron from a state through some steps of constant current (in pA).
    advance(state, noise, current_pA, first, count, fired) {
      const { E_L, V_th, V_reset, tau_m, R_m, dt, intensity, barrierShift, heldSteps } = this.data.neuron;
      const current = current_pA * 1e-12;
      const decay = Math.exp(-dt / tau_m);
      const amplitude = intensity / Math.sqrt(dt);
      const gain = R_m / tau_m;
      // How far a noisy potential overshoots between two steps; see neurosim/equations/barrier.py.
      const spread = barrierShift * gain * Math.sqrt(dt * intensity * intensity);
      const drift = Math.max(dt * ((E_L - V_th) / tau_m + gain * current), 0) / 4;
      const threshold = V_th - (intensity > 0 ? drift + Math.sqrt(spread * spread + drift * drift) : 0);
      let { v, last } = state;
      for (let step = first; step < first + count; step++) {
        if (step - last < heldSteps) continue;
        const target = E_L + R_m * (current + amplitude * noise(step));
        v = target + (v - target) * decay;
        if (v >= threshold) {
          v = V_reset;
          last = step;
          fired?.push(step);
        }
      }
      return { v, last };
    }

    // The state of every neuron when the image comes on: the same for all images of a seed.
    before(seed) {
      if (!this.settled.has(seed)) {
        const keys = this.data.keys[String(seed)];
        const [low, high] = [Explorer.unpack(keys.low), Explorer.unpack(keys.high)];
        const start = { v: this.data.neuron.E_L, last: -Infinity };
        this.settled.set(
          seed,
          Array.from(this.holding, (current, unit) => {
            const noise = this.deviates(high[unit], low[unit]);
            return { noise, state: this.advance(start, noise, current, 0, this.settleSteps) };
          }),
        );
      }
      return this.settled.get(seed);
    }

    // Times of all spikes since the image came on, in second, one list a neuron.
    run(image, seed) {
      const { dt } = this.data.neuron;
      return this.before(seed).map(({ noise, state }, unit) => {
        let step_pA = 0;
        for (let i = 0; i < image.length; i++) step_pA += image[i] * this.weights[i * this.units + unit];
        const fired = [];
        const current = this.holding[unit] + step_pA;
        this.advance(state, noise, current, this.settleSteps, this.shownSteps, fired);
        // Half a step: times are multiples of dt and must not fall to either side by rounding.
        return fired.map((step) => (step - this.settleSteps + 0.5) * dt);
      });
    }

    // What the spikes up to a time say: count, rate, activation of each unit, and probabilities.
    read(spikes, at_s) {
      const seen = spikes.map((times) => times.filter((time) => time < at_s));
      // The parabola of `CountReadout("welch")`.
      const weigh = (sum, time) => sum + 6 * (time / at_s) * (1 - time / at_s);
      const rates = seen.map((times) => times.reduce(weigh, 0) / at_s);
      const activations = rates.map((rate, unit) => this.offset[unit] + this.slope[unit] * rate);
      const logits = Array.from(this.outputBias, (bias, digit) =>
        activations.reduce((sum, a, unit) => sum + a * this.outputWeights[unit * this.outputBias.length + digit], bias),
      );
      return { counts: seen.map((times) => times.length), rates, activations, probabilities: Explorer.softmax(logits) };
    }
  };

  // The network as it was trained.
  Explorer.TrainedNetwork = class {
    constructor(data) {
      this.network = new Explorer.DenseNetwork(data.sizes, data.activations, Explorer.unpack(data.parameters));
    }

    read(image) {
      const { hidden, logits } = this.network.forward(image, 1);
      return { activations: Array.from(hidden[0]), probabilities: Explorer.softmax(Array.from(logits)) };
    }
  };
})();
