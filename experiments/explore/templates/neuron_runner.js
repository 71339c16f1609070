// The page's side of the worker that runs neurons. Of requests that come while it computes, only the
// last of each kind is run.
(() => {
  Explorer.NeuronRunner = class {
    constructor(data) {
      this.waiting = new Map();
      this.busy = null;
      this.count = 0;
      const code = `${data.script}\n${data.worker}`;
      const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
      this.worker = new Worker(url);
      this.worker.onmessage = ({ data: answer }) => this.answered(answer);
      this.worker.postMessage({ bundle: data.bundle });
      this.worker.onerror = (event) => this.answered({ id: this.busy?.id, error: event.message });
    }

    // Run a neuron; `answer` gets what was found, or an error in words.
    ask(kind, request, answer) {
      this.waiting.set(kind, { request, answer });
      this.next();
    }

    next() {
      if (this.busy || this.waiting.size === 0) return;
      const [kind, { request, answer }] = this.waiting.entries().next().value;
      this.waiting.delete(kind);
      this.count += 1;
      this.busy = { id: this.count, answer, begun: performance.now() };
      this.worker.postMessage({ id: this.count, ...request });
    }

    answered({ id, found, error }) {
      if (!this.busy || id !== this.busy.id) return;
      const { answer, begun } = this.busy;
      this.busy = null;
      answer(found, error, performance.now() - begun);
      this.next();
    }

    // Forget what has not begun; what runs is not answered.
    silence() {
      this.waiting.clear();
      if (this.busy) this.busy.answer = () => {};
    }
  };
})();
