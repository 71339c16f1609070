// Gradient descent on one of the embedded tables, step by step; nothing here touches the page.
(() => {
  Explorer.LearningRun = class {
    constructor(data, { shape, network, activation, seed, rate }) {
      const { X, T } = data.tables[`${shape}/${seed}`];
      this.X = Explorer.unpack(X);
      this.T = Explorer.unpack(T);
      this.rows = this.T.length;
      this.rate = rate;
      this.sizes = [2, ...data.networks[network].hidden, 1];
      this.activations = [...data.networks[network].hidden.map(() => activation), "sigmoid"];
      const start = Explorer.unpack(data.starts[`${network}/${activation}/${seed}`]);
      this.network = new Explorer.DenseNetwork(this.sizes, this.activations, start);
      this.losses = [this.network.loss(this.X, this.T, this.rows)];
    }

    get steps() {
      return this.losses.length - 1;
    }

    get loss() {
      return this.losses[this.steps];
    }

    get diverged() {
      return !Number.isFinite(this.loss);
    }

    get labels() {
      return Array.from(this.network.probability(this.X, this.rows), (p) => (p > 0.5 ? 1 : 0));
    }

    get accuracy() {
      return this.labels.filter((label, i) => label === this.T[i]).length / this.rows;
    }

    // Go on to a number of steps, or until the loss is no number any more.
    learn(steps) {
      while (this.steps < steps && !this.diverged) {
        this.network.step(this.X, this.T, this.rows, this.rate);
        this.losses.push(this.network.loss(this.X, this.T, this.rows));
      }
    }
  };
})();
