// Runs of a neuron in a page, in a Worker or in node: the engine's own program as WebAssembly.
//
// `Kernel.load` compiles a program once; each run has an instance of its own, because the program reads
// its settings while it starts. What a run reads and writes are files in memory, name -> Uint8Array, as
// Python writes and reads them in a folder (neurosim/engine/programs/host_files.h). The other functions
// read a package, which Python made (package.py): it says where in the files each number stands.
const Kernel = (() => {
    "use strict";
    const TYPES = {
        float64: Float64Array, int64: BigInt64Array, int32: Int32Array, int8: Int8Array,
    };
    class Ended extends Error {}

    // A view of a file as numbers; the bytes are copied if they do not begin at a whole number.
    function numbers(bytes, type) {
        const kind = TYPES[type];
        if (bytes.byteOffset % kind.BYTES_PER_ELEMENT) bytes = bytes.slice();
        return new kind(bytes.buffer, bytes.byteOffset, bytes.byteLength / kind.BYTES_PER_ELEMENT);
    }
    function as_bytes(values) {
        return values instanceof Uint8Array
            ? values : new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    }

    // One run: what the program may ask of the page. Anything else of WASI is refused.
    function run(module, files) {
        const written = new Map();
        let memory = null, said = "", status = 0;
        const text = new TextDecoder();
        const at = (pointer, length) => new Uint8Array(memory.buffer, pointer, length);
        const view = () => new DataView(memory.buffer);
        const neurosim = {
            take(name, length, target, bytes) {
                const file = files[text.decode(at(name, length))];
                if (!file) return 0;
                const content = as_bytes(file);
                if (content.length < bytes) return 0;
                at(target, bytes).set(content.subarray(0, bytes));
                return 1;
            },
            give(name, length, values, bytes) {
                const to = text.decode(at(name, length));
                if (!written.has(to)) written.set(to, []);
                if (bytes) written.get(to).push(at(values, bytes).slice());
            },
        };
        const wasi = {
            // One argument, the name of the program: an empty text.
            args_sizes_get(count, size) {
                view().setUint32(count, 1, true);
                view().setUint32(size, 1, true);
                return 0;
            },
            args_get(pointers, characters) {
                view().setUint32(pointers, characters, true);
                view().setUint8(characters, 0);
                return 0;
            },
            // The program asks for the time only to tell how far it is, which nobody reads here.
            clock_time_get(_id, _precision, time) {
                view().setBigUint64(time, 0n, true);
                return 0;
            },
            // Brian2's generator of random numbers is made but never asked: ours has no state.
            random_get(target, length) {
                at(target, length).fill(1);
                return 0;
            },
            fd_write(_file, pieces, count, total) {
                let length = 0;
                for (let k = 0; k < count; k++) {
                    const from = view().getUint32(pieces + 8 * k, true);
                    const bytes = view().getUint32(pieces + 8 * k + 4, true);
                    said += text.decode(at(from, bytes));
                    length += bytes;
                }
                view().setUint32(total, length, true);
                return 0;
            },
            proc_exit(code) {
                status = code;
                throw new Ended();
            },
        };
        const refused = new Proxy(wasi, { get: (all, name) => all[name] || (() => 52) });
        const offered = {};
        for (const wanted of WebAssembly.Module.imports(module)) {
            const from = wanted.module === "neurosim" ? neurosim : refused;
            (offered[wanted.module] = offered[wanted.module] || {})[wanted.name] = from[wanted.name];
        }
        const instance = new WebAssembly.Instance(module, offered);
        memory = instance.exports.memory;
        try {
            instance.exports._start();
        } catch (error) {
            if (!(error instanceof Ended)) throw new Error(said.trim() || String(error));
        }
        if (status !== 0) throw new Error(said.trim() || `the run ended with status ${status}`);
        const out = {};
        for (const [name, parts] of written) out[name] = joined(parts);
        if (!out.written) throw new Error(said.trim() || "the run ended without results");
        return out;
    }
    function joined(parts) {
        if (parts.length === 1) return parts[0];
        const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
        let from = 0;
        for (const part of parts) { all.set(part, from); from += part.length; }
        return all;
    }

    async function load(bytes) {
        const module = await WebAssembly.compile(bytes);
        return { module, run: (files) => run(module, files) };
    }

    // ---- packages ------------------------------------------------------------------------------
    function of_base64(content) {
        const characters = atob(content), bytes = new Uint8Array(characters.length);
        for (let k = 0; k < bytes.length; k++) bytes[k] = characters.charCodeAt(k);
        return bytes;
    }
    // A fresh copy of the files that the run of the package reads, which hold base 64 or bytes.
    function inputs(pkg) {
        const files = {};
        for (const [name, content] of Object.entries(pkg.inputs))
            files[name] = typeof content === "string" ? of_base64(content) : content.slice();
        return files;
    }
    function parameter(pkg, name) {
        const found = pkg.parameters.find((one) => one.name === name);
        if (found) return found;
        const known = pkg.parameters.map((one) => one.name).join(", ");
        throw new Error(`there is no parameter ${name}; known are ${known}`);
    }
    function put(array, index, value) {
        array[index] = array instanceof BigInt64Array ? BigInt(Math.round(value)) : value;
    }
    // Give a parameter a value in SI units, or one a row where the package has rows.
    function set(files, pkg, name, value) {
        const each = typeof value === "number" ? null : value;
        for (const place of parameter(pkg, name).places) {
            const array = numbers(files[place.file], place.type);
            if (each && !place.rows)
                throw new Error(`${name} has one value for all rows; it cannot differ between them`);
            if (each && each.length !== array.length)
                throw new Error(`${name}: ${each.length} values were given for ${array.length} rows`);
            if (place.rows) {
                for (let row = 0; row < array.length; row++)
                    put(array, row, place.offset + place.factor * (each ? each[row] : value));
                continue;
            }
            const at = place.at || array.keys();
            let k = 0;
            for (const index of at) {
                const factor = place.factors ? place.factors[k] : place.factor;
                const divisor = place.divisors ? place.divisors[k] : 1;
                const then = place.then ? place.then[k] : 1;
                const number = place.offset + ((factor * value) / divisor) * then;
                k++;
                put(array, index, place.whole ? Math.round(number) : number);
            }
        }
    }

    // Why a description with these values (by name, in SI units) would be refused; "" if it would not.
    function refusal(pkg, values) {
        const now = (name) => Object.hasOwn(values, name) ? values[name] : parameter(pkg, name).default;
        for (const [low, high, why] of pkg.orders) {
            const known = [low, high].every((name) => pkg.parameters.some((one) => one.name === name));
            if (known && now(low) >= now(high)) return `${low} must lie below ${high}${why}`;
        }
        return "";
    }

    // The keys of a row's random numbers (neurosim/randomness.py): two rounds of SplitMix64.
    const MASK = (1n << 64n) - 1n, GAMMA = 0x9E3779B97F4A7C15n;
    function mixed(z) {
        z = ((z ^ (z >> 30n)) * 0xBF58476D1CE4E5B9n) & MASK;
        z = ((z ^ (z >> 27n)) * 0x94D049BB133111EBn) & MASK;
        return z ^ (z >> 31n);
    }
    function keys(seed, unit = 0) {
        let key = mixed((BigInt.asUintN(64, BigInt(seed)) + GAMMA) & MASK);
        key = mixed((key + (BigInt(unit) + 1n) * GAMMA) & MASK);
        return [Number(BigInt.asIntN(32, key)), Number(BigInt.asIntN(32, key >> 32n))];
    }
    // Set the seed of the noise: one for all rows, or one a row.
    function seed(files, pkg, value) {
        for (const place of pkg.keys) {
            const low = numbers(files[place.low], place.type);
            const high = numbers(files[place.high], place.type);
            if (typeof value === "object" && value.length !== low.length)
                throw new Error(`${value.length} seeds were given for ${low.length} rows`);
            for (let k = 0; k < low.length; k++)
                [low[k], high[k]] = keys(
                    typeof value === "object" ? value[k] : value, pkg.rows ? 0 : place.units[k]);
        }
    }
    // Let quanta arrive at placed receptors in place of all that arrived: [{site, time, weight}], with
    // the time in second and the number of the site among those of the receptors.
    function arrive(files, pkg, label, events) {
        const receptor = (pkg.receptors || {})[label];
        if (!receptor) throw new Error(`there are no receptors ${label}`);
        for (const event of events) {
            if (!(event.site >= 0 && event.site < receptor.sites && event.site % 1 === 0))
                throw new Error(`${label}: there is no site ${event.site}; there are ${receptor.sites}`);
            if (!(event.time >= 0) || !Number.isFinite(event.weight))
                throw new Error(`${label}: a time must not be negative, and a weight a number`);
        }
        const sorted = events.slice().sort((a, b) => a.time - b.time);
        // The step at whose start each acts, as Python rounds it (neurosim/engine/cable/inputs.py).
        const steps = sorted.map((one) => BigInt(Math.max(0, Math.ceil(one.time / pkg.dt_s - 1e-6))));
        const give = (end, values) => { files[`${receptor.events}.${end}`] = as_bytes(values); };
        give("step", BigInt64Array.from(steps));
        give("step.count", Float64Array.of(steps.length));
        give("site", Int32Array.from(sorted, (one) => one.site));
        give("cell", Int32Array.from(sorted, () => -1));
        give("weight", Float64Array.from(sorted, (one) => one.weight));
    }
    // Make the run of one point neuron one of several equal ones; the first so many are traced.
    function widen(files, pkg, rows, traced = rows) {
        if (!pkg.rows) throw new Error("cells with extent run one at a time");
        for (const name of pkg.rows.files) {
            const one = files[name], all = new Uint8Array(one.length * rows);
            for (let row = 0; row < rows; row++) all.set(one, row * one.length);
            files[name] = all;
        }
        numbers(files.settings, "float64")[0] = rows;
        if (files.recorded.length) {
            files.recorded = as_bytes(Int32Array.from({ length: traced }, (_, row) => row));
            numbers(files.settings, "float64")[1] = traced;
        }
    }
    // Leave the traces of point neurons out, of which curves of firing rates need none.
    function untraced(files, pkg) {
        if (!pkg.rows) throw new Error("the traces of cells with extent cannot be left out");
        files.recorded = new Uint8Array(0);
        numbers(files.settings, "float64")[1] = 0;
    }

    // One column of a table that stands row by row, so many numbers a row.
    function column(table, many, at) {
        const found = new Float64Array(table.length / many);
        for (let k = 0; k < found.length; k++) found[k] = table[k * many + at];
        return found;
    }
    // Spikes (row, detector, time in second), times of the samples, and by name the traces of all rows.
    function read(out, pkg) {
        const spikes = [], traces = {};
        if (pkg.kind === "point") {
            const row = numbers(out["spikes.i"], "int32"), when = numbers(out["spikes.t"], "float64");
            for (let k = 0; k < row.length; k++)
                spikes.push({ row: row[k], detector: 0, time: when[k] });
            spikes.sort((a, b) => a.row - b.row || a.time - b.time);
            const time = out["trace.t"] ? numbers(out["trace.t"], "float64").slice() : new Float64Array(0);
            for (const name of pkg.traces) {
                const table = numbers(out[`trace.${name}`], "float64");
                const many = time.length ? table.length / time.length : 0;
                traces[name] = Array.from({ length: many }, (_, r) => column(table, many, r));
            }
            return { spikes, time, traces };
        }
        const listed = out["0/spikes.0"];
        const whole = numbers(listed, "int64"), real = numbers(listed, "float64");
        for (let k = 0; k < whole.length; k += 3)
            spikes.push({ row: Number(whole[k + 1]), detector: Number(whole[k]), time: real[k + 2] });
        spikes.sort((a, b) => a.row - b.row || a.time - b.time);
        const table = out["0/traces.0"] ? numbers(out["0/traces.0"], "float64") : new Float64Array(0);
        const many = pkg.traces.length, samples = many ? table.length / many : 0;
        const time = Float64Array.from({ length: samples }, (_, k) => ((k + 1) * pkg.stride) * pkg.dt_s);
        pkg.traces.forEach((name, p) => {
            traces[name] = [column(table, many, p)];
        });
        return { spikes, time, traces };
    }

    return { load, inputs, set, arrive, refusal, seed, keys, widen, untraced, read };
})();
if (typeof module !== "undefined") module.exports = Kernel;
