"""The same ReLU network converted here and by spikingjelly's ann2snn, on the test images of MNIST.

    python benchmarks/conversion.py MNIST.npz --peer PYTHON [--images 10000] [--out FILE.json]

PYTHON is the interpreter of an environment of its own with ``pip install torch spikingjelly``. Both
get the weights of one network trained here (784-300-10 ReLU), the images as constant input, and
the first 5000 training images to find the scale. Spikes are those of the hidden layer; both read
the output from them without another spiking layer. Time of conversion, measuring and compiling is
told apart from the time of the run; of the run, also the processor time of all processes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np


def processor_s() -> float:
    """Return the processor time of this process and of its children that have ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


STEPS = (5, 10, 20, 50)
SPIKES = (50, 100, 200, 400, 800)


def as_peer(folder: Path) -> None:
    """Run spikingjelly on the network found in a folder; only torch is needed here."""
    import torch
    from spikingjelly.activation_based import ann2snn, functional, neuron

    data = np.load(folder / "network.npz")
    model = torch.nn.Sequential(
        torch.nn.Linear(*data["w0"].shape),
        torch.nn.ReLU(),
        torch.nn.Linear(*data["w1"].shape),
    )
    with torch.no_grad():
        for layer, k in ((model[0], 0), (model[2], 1)):
            layer.weight.copy_(torch.from_numpy(data[f"w{k}"].T))
            layer.bias.copy_(torch.from_numpy(data[f"b{k}"]))
    model.eval()
    images, labels = torch.from_numpy(data["X"]), data["y"]
    calibration = torch.from_numpy(data["X_calibration"])
    loader = [(calibration[k : k + 100], None) for k in range(0, len(calibration), 100)]
    began = time.perf_counter()
    spiking = ann2snn.FXConverter(
        ann2snn.RateCodingRecipe(dataloader=loader, mode="99.9%", momentum=1.0)
    ).convert(model)
    converted = time.perf_counter() - began
    cells = [m for m in spiking.modules() if isinstance(m, neuron.BaseNode)]
    fired = [0.0]
    for cell in cells:
        cell.register_forward_hook(
            lambda m, i, out: fired.__setitem__(0, fired[0] + float((out > 0).sum()))
        )
    found = []
    began, used = time.perf_counter(), processor_s()
    with torch.no_grad():
        functional.reset_net(spiking)
        total = torch.zeros(len(images), data["w1"].shape[1])
        for step in range(1, max(STEPS) + 1):
            total += spiking(images)
            if step in STEPS:
                accuracy = float(np.mean(total.argmax(1).numpy() == labels))
                found.append(
                    {"steps": step, "accuracy": accuracy, "spikes": fired[0] / len(images)}
                )
    wall, busy = time.perf_counter() - began, processor_s() - used
    print(json.dumps({"convert_s": converted, "run_s": wall, "processor_s": busy, "curve": found}))


def ours(network: Any, data: dict[str, np.ndarray], jobs: int) -> dict[str, Any]:
    """Convert the network here, onto integrators as the peer does and onto noisy LIF neurons."""
    from brian2.units import ms as ms_
    from brian2.units import mV, second

    from bridge.conversion.convert import convert
    from bridge.mapping.normalisation import Normalisation
    from bridge.spiking.integrator import Integrator
    from bridge.spiking.readout import CountReadout
    from experiments.gallery.networks.weight_normalisation import integrator_curve

    found = {}
    settings: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[float, ...]]] = {
        "integrators, 99.9 %": (
            {
                "neuron": Integrator(),
                "noise": 0 * mV,
                "curve": integrator_curve(),
                "normalisation": Normalisation("percentile", 99.9),
            },
            {"settle": 0 * second, "readout": CountReadout("flat")},
            STEPS,
        ),
        "noisy -55 mV LIF": (
            {"decision": 50 * ms_, "jobs": jobs},
            {"settle": 50 * ms_},
            (5, 10, 20, 30, 50),
        ),
    }
    for name, (converting, running, times) in settings.items():
        began = time.perf_counter()
        spiking = convert(network, data["X_calibration"], **converting)
        spiking.run(data["X"][:1], 2 * ms_, settle=0 * second)
        converted = time.perf_counter() - began
        began, used = time.perf_counter(), processor_s()
        run = spiking.run(data["X"], max(times) * ms_, jobs=jobs, **running)
        wall, busy = time.perf_counter() - began, processor_s() - used
        curve = [
            {
                "steps": t,
                "accuracy": float(np.mean(run.predict(t * ms_) == data["y"])),
                "spikes": run.spikes_per_decision(t * ms_),
            }
            for t in times
        ]
        found[name] = {
            "convert_s": converted,
            "run_s": wall,
            "processor_s": busy,
            "curve": curve,
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--peer", help="Python with torch and spikingjelly")
    parser.add_argument("--images", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--as-peer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.as_peer:
        as_peer(options.file)
        return
    from experiments.gallery.networks.weight_normalisation import Parameters, train_relu
    from experiments.kit.mnist import load_mnist

    digits = load_mnist(str(options.file))
    network = train_relu(digits, Parameters(), options.seed)
    layers = network.network_.layers
    data = {
        "X": digits.X_test[: options.images].astype(np.float32),
        "y": digits.y_test[: options.images],
        "X_calibration": digits.X_train[:5000].astype(np.float32),
        **{f"w{k}": layer.weights.astype(np.float32) for k, layer in enumerate(layers)},
        **{f"b{k}": layer.bias.astype(np.float32) for k, layer in enumerate(layers)},
    }
    found: dict[str, Any] = ours(network, data, options.jobs)
    if options.peer:
        with tempfile.TemporaryDirectory() as folder:
            np.savez(Path(folder) / "network.npz", **data)
            done = subprocess.run(
                [options.peer, __file__, folder, "--as-peer"],
                check=True, capture_output=True, text=True,
            )  # fmt: skip
        found["spikingjelly, 99.9 %"] = json.loads(done.stdout.splitlines()[-1])
    ann = float(np.mean(network.predict(data["X"]) == data["y"]))
    print(f"ANN {100 * ann:.2f} % on {len(data['y'])} images")
    print(
        f"{'':22}" + "".join(f"{n:>10}" for n in SPIKES) + "   convert (s)  run (s)  processor (s)"
    )
    print(f"{'spikes a decision:':22}")
    for name, result in found.items():
        spikes = [point["spikes"] for point in result["curve"]]
        accuracy = [100 * point["accuracy"] for point in result["curve"]]
        cells = [
            f"{np.interp(n, spikes, accuracy):10.2f}"
            if spikes[0] <= n <= spikes[-1]
            else f"{'-':>10}"
            for n in SPIKES
        ]
        times = "".join(f"{result[key]:12.1f}" for key in ("convert_s", "run_s", "processor_s"))
        print(f"{name:22}" + "".join(cells) + times)
        for point in result["curve"]:
            print(f"    {point['steps']:>4g} steps or ms: {100 * point['accuracy']:.2f} % "
                  f"with {point['spikes']:.0f} spikes")  # fmt: skip
    if options.out:
        options.out.write_text(json.dumps({"ann": ann, **found}, indent=1))


if __name__ == "__main__":
    main()
