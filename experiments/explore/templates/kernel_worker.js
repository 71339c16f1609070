// Runs neurons beside the page, so that the page answers while a neuron computes. Stands after
// kernel.js in the text of a worker.
const ofBase64 = (content) => Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));

// The files that `bundled` in bundle.py wrote: name -> bytes.
const opened = async ({ files, copies, data }) => {
  const inflating = new Blob([ofBase64(data)]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const inflated = await new Response(inflating).arrayBuffer();
  const rows = new Int32Array(inflated, 0, 3 * copies);
  const rest = new Uint8Array(inflated, 12 * copies);
  const all = new Uint8Array(files.reduce((sum, [, length]) => sum + length, 0));
  let [at, taken, source] = [0, 0, 0];
  for (let k = 0; k < copies; k++) {
    const [fresh, copied, from] = [rows[k], rows[copies + k], rows[2 * copies + k]];
    all.set(rest.subarray(taken, taken + fresh), at);
    source += fresh + from;
    all.copyWithin(at + fresh, source, source + copied);
    source += copied;
    taken += fresh;
    at += fresh + copied;
  }
  let begin = 0;
  return new Map(files.map(([name, length]) => [name, all.subarray(begin, (begin += length))]));
};

let bundle = null;
const loading = new Map();

const load = async (name) => {
  const files = await bundle;
  const pkg = JSON.parse(new TextDecoder().decode(files.get(`${name}.json`)));
  const own = [...files].filter(([file]) => file.startsWith(`${name}/`));
  pkg.inputs = Object.fromEntries(own.map(([file, bytes]) => [file.slice(name.length + 1), bytes]));
  return { kernel: await Kernel.load(files.get(`${name}.wasm`)), pkg };
};

const runOne = async ({ name, rows, untraced, values, seeds, arrivals }) => {
  if (!loading.has(name)) loading.set(name, load(name));
  const { kernel, pkg } = await loading.get(name);
  const why = Kernel.refusal(pkg, values);
  if (why) throw new Error(why);
  const files = Kernel.inputs(pkg);
  if (untraced) Kernel.untraced(files, pkg);
  // Of several trials the potential of the first is drawn.
  if (rows > 1) Kernel.widen(files, pkg, rows, 1);
  for (const [parameter, value] of Object.entries(values)) Kernel.set(files, pkg, parameter, value);
  for (const [label, events] of Object.entries(arrivals ?? {})) Kernel.arrive(files, pkg, label, events);
  Kernel.seed(files, pkg, seeds);
  return { ...Kernel.read(kernel.run(files), pkg), step: pkg.dt_s };
};

// Why a run ended, in words: the program of a cell with extent says it as neurosim/engine reads it.
const inWords = (text) => {
  const after = (seconds) => `after ${Number((seconds * 1e3).toPrecision(4))} ms`;
  const found = /(diverged|depleted|fell) group .* time (\S+)(?: ion (\w+) side (\w+))?(?: part (\w+) field (\w+))?/.exec(text);
  if (!found) return text;
  const [, what, time, ion, side, part, field] = found;
  if (what === "depleted") return `the concentration of ${ion} ${side} fell to zero ${after(time)}`;
  if (what === "fell") return `the potential fell to ${part}.${field} ${after(time)}, where the equation of ${part} has no value`;
  return `the potential left -10 to 10 V before ${after(time).slice(6)}: the time step is too long for these values`;
};

self.onmessage = async ({ data: asked }) => {
  if (asked.bundle) {
    bundle = opened(asked.bundle);
    return;
  }
  try {
    const found = await runOne(asked);
    // Handed over, not copied.
    const traces = Object.values(found.traces).flat().map((trace) => trace.buffer);
    self.postMessage({ id: asked.id, found }, traces);
  } catch (error) {
    self.postMessage({ id: asked.id, error: inWords(String(error.message ?? error)) });
  }
};
