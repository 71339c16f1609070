// A network of dense layers and gradient descent, as `ann` computes them in double precision.
(() => {
  // The tanh form is that of `ann`: it cannot overflow.
  const sigmoid = (z) => 0.5 * Math.tanh(0.5 * z) + 0.5;
  const VALUE = {
    tanh: Math.tanh,
    sigmoid,
    relu: (z) => (z > 0 ? z : 0),
    identity: (z) => z,
  };
  // The slope, from the output.
  const SLOPE = {
    tanh: (a) => 1 - a * a,
    sigmoid: (a) => a - a * a,
    relu: (a) => (a !== 0 ? 1 : 0),
    identity: () => 1,
  };

  // z = x W + b of `rows` rows. The weights into a unit lie side by side, as in `ann.Network`.
  const netInput = (layer, x, rows) => {
    const { nIn, nOut, weights, bias } = layer;
    const z = new Float64Array(rows * nOut);
    for (let row = 0; row < rows; row++) {
      for (let unit = 0; unit < nOut; unit++) {
        let sum = bias[unit];
        for (let i = 0; i < nIn; i++) sum += x[row * nIn + i] * weights[unit * nIn + i];
        z[row * nOut + unit] = sum;
      }
    }
    return z;
  };

  Explorer.DenseNetwork = class {
    // `parameters` is the flat vector of `ann.Network`: all weights, then all biases.
    constructor(sizes, activations, parameters) {
      this.sizes = sizes;
      this.parameters = Float64Array.from(parameters);
      this.layers = [];
      let at = 0;
      const nWeights = sizes.slice(1).reduce((sum, n, i) => sum + n * sizes[i], 0);
      let bias = nWeights;
      for (let i = 0; i + 1 < sizes.length; i++) {
        const [nIn, nOut] = [sizes[i], sizes[i + 1]];
        this.layers.push({
          nIn,
          nOut,
          activation: activations[i],
          weights: this.parameters.subarray(at, at + nIn * nOut),
          bias: this.parameters.subarray(bias, bias + nOut),
        });
        at += nIn * nOut;
        bias += nOut;
      }
    }

    // Outputs of the hidden layers, and the input of the output's activation.
    forward(X, rows) {
      const outputs = [];
      let x = X;
      for (const layer of this.layers.slice(0, -1)) {
        x = netInput(layer, x, rows).map(VALUE[layer.activation]);
        outputs.push(x);
      }
      return { hidden: outputs, logits: netInput(this.layers[this.layers.length - 1], x, rows) };
    }

    // Probability of class 1 of every row, for one sigmoid output.
    probability(X, rows) {
      return this.forward(X, rows).logits.map(sigmoid);
    }

    // Mean cross-entropy, from the logits so that no logarithm meets a zero.
    loss(X, T, rows) {
      const { logits } = this.forward(X, rows);
      let sum = 0;
      for (let i = 0; i < rows; i++) {
        const z = logits[i];
        sum += Math.log1p(Math.exp(-Math.abs(z))) + Math.max(z, 0) - z * T[i];
      }
      return sum / rows;
    }

    // One step of gradient descent on all rows.
    step(X, T, rows, rate) {
      const { hidden, logits } = this.forward(X, rows);
      let delta = logits.map((z, i) => (sigmoid(z) - T[i]) / rows);
      for (let k = this.layers.length - 1; k >= 0; k--) {
        const { nIn, nOut, weights, bias } = this.layers[k];
        const below = k ? hidden[k - 1] : X;
        const passed = k ? new Float64Array(rows * nIn) : null;
        if (passed) {
          const slope = SLOPE[this.layers[k - 1].activation];
          for (let row = 0; row < rows; row++) {
            for (let i = 0; i < nIn; i++) {
              let sum = 0;
              for (let unit = 0; unit < nOut; unit++) {
                sum += delta[row * nOut + unit] * weights[unit * nIn + i];
              }
              passed[row * nIn + i] = sum * slope(below[row * nIn + i]);
            }
          }
        }
        for (let unit = 0; unit < nOut; unit++) {
          let ofBias = 0;
          for (let row = 0; row < rows; row++) ofBias += delta[row * nOut + unit];
          for (let i = 0; i < nIn; i++) {
            let sum = 0;
            for (let row = 0; row < rows; row++) {
              sum += delta[row * nOut + unit] * below[row * nIn + i];
            }
            weights[unit * nIn + i] -= rate * sum;
          }
          bias[unit] -= rate * ofBias;
        }
        delta = passed;
      }
    }
  };

  Explorer.softmax = (z) => {
    const top = Math.max(...z);
    const raised = Array.from(z, (one) => Math.exp(one - top));
    const sum = raised.reduce((a, b) => a + b, 0);
    return raised.map((one) => one / sum);
  };
})();
