// Runs neurons beside the page, so that the page answers while a neuron computes. Stands after
// kernel.js in the text of a worker.
const loaded = new Map();

const runOne = async ({ name, rows, untraced, values, seeds, arrivals }) => {
  const { kernel, pkg } = loaded.get(name);
  const why = Kernel.refusal(pkg, values);
  if (why) throw new Error(why);
  const files = Kernel.inputs(pkg);
  if (untraced) Kernel.untraced(files, pkg);
  if (rows > 1) Kernel.widen(files, pkg, rows);
  for (const [parameter, value] of Object.entries(values)) Kernel.set(files, pkg, parameter, value);
  for (const [label, events] of Object.entries(arrivals ?? {})) Kernel.arrive(files, pkg, label, events);
  Kernel.seed(files, pkg, seeds);
  return Kernel.read((await kernel).run(files), pkg);
};

self.onmessage = async ({ data: asked }) => {
  if (asked.load) {
    loaded.set(asked.name, { kernel: Kernel.load(asked.wasm), pkg: asked.pkg });
    return;
  }
  try {
    self.postMessage({ id: asked.id, found: await runOne(asked) });
  } catch (error) {
    self.postMessage({ id: asked.id, error: String(error.message ?? error) });
  }
};
