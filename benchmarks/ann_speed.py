"""How far is a training step from the matrix products it cannot do without?

For each network: time of one step (gather a batch, forward, loss, backward, update) as a multiple
of its bare matrix products, beside the bar, scikit-learn's MLP and, where installed, PyTorch with
its fused optimiser and batches taken by index. Everything is single precision and interleaved
round by round in one process; the smallest processor time counts, which leaves out what other
programs took meanwhile (not what they did to the caches: a quiet machine is better). All use one
thread, except that the last column runs ours with n_jobs=2 beside n_jobs=1, by the clock.

The bare products are X W, Xᵀ D and D Wᵀ as one would write them down, each a single call into
memory that is there already. Ours compute the same products with other layouts and sometimes in
pieces; what they take by themselves is the column "own". The bar is met by a step that takes at
most 1.35 times the bare products where these take 0.5 ms and more, 2.1 times from 60 µs, 3 times
below.

    OMP_NUM_THREADS=1 python benchmarks/ann_speed.py [--rounds 15] [--only NAME]
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from ann.network.calls import run
from ann.network.losses import CrossEntropy
from ann.network.network import Network
from ann.plan.optimisers import SGD, Adam, Optimiser
from ann.plan.plan import Plan
from ann.training.trainer import Trainer

#: name: sizes, batch, activation, optimiser
NETWORKS: dict[str, tuple[tuple[int, ...], int, str, str]] = {
    "784-30-10 B10 sgd sigmoid": ((784, 30, 10), 10, "sigmoid", "sgd"),
    "784-100-10 B200 adam relu": ((784, 100, 10), 200, "relu", "adam"),
    "784-100-10 B32 adam sigmoid": ((784, 100, 10), 32, "sigmoid", "adam"),
    "784-5x128-10 B128 adam sigmoid": ((784, *(128,) * 5, 10), 128, "sigmoid", "adam"),
    "784-800-10 B128 adam relu": ((784, 800, 10), 128, "relu", "adam"),
    "64-100-10 B200 adam relu": ((64, 100, 10), 200, "relu", "adam"),
    "13-5x32-3 B32 adam sigmoid": ((13, *(32,) * 5, 3), 32, "sigmoid", "adam"),
}


def products(sizes: tuple[int, ...], batch: int) -> Callable[[int], None]:
    """The matrix products of one step and nothing else, into buffers that exist already."""
    rng = np.random.default_rng(0)

    def array(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    calls = []
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        x, w, d = array(batch, n_in), array(n_in, n_out), array(batch, n_out)
        calls += [(x, w, array(batch, n_out)), (x.T, d, array(n_in, n_out))]
        if i:
            calls.append((d, w.T, array(batch, n_in)))

    def go(steps: int) -> None:
        for _ in range(steps):
            for a, b, out in calls:
                np.matmul(a, b, out)

    return go


def own_products(
    sizes: tuple[int, ...], batch: int, activation: str, X: np.ndarray, y: np.ndarray
) -> Callable[[int], None]:
    """The matrix products of one step as the plan computes them, and nothing else."""
    net = Network(sizes, [*[activation] * (len(sizes) - 2), "softmax"], rng=0)
    T = np.eye(sizes[-1], dtype=np.float32)[y]
    program = Plan(net, CrossEntropy(), SGD()).program(batch, X, T)
    run([*program.gather, *program.learn])
    calls = [
        (function, (a, b, out))
        for function, (a, b, out) in (s for s in program.learn if s[0] in (np.dot, np.matmul))
        if b.ndim == 2
    ]

    def go(steps: int) -> None:
        for _ in range(steps):
            run(calls)

    return go


def ours(
    sizes: tuple[int, ...],
    batch: int,
    activation: str,
    optimiser: str,
    X: np.ndarray,
    y: np.ndarray,
    threads: int = 1,
) -> Callable[[int], None]:
    """Whole epochs of the training loop as the estimators run it."""
    kind: Optimiser = SGD(0.1) if optimiser == "sgd" else Adam(1e-3)
    hidden = [activation] * (len(sizes) - 2)
    net = Network(sizes, [*hidden, "softmax"], rng=0)
    T = np.eye(sizes[-1], dtype=np.float32)[y]
    trainer = Trainer(
        Plan(net, CrossEntropy(), kind, batch=batch, rng=np.random.default_rng(0)),
        batch_size=batch,
        n_threads=threads,
    )

    def go(steps: int) -> None:
        epochs = steps * batch // len(X)
        trainer.fit(X, T, epochs=trainer.epoch + epochs)

    return go


def scikit_learn(
    sizes: tuple[int, ...],
    batch: int,
    activation: str,
    optimiser: str,
    X: np.ndarray,
    y: np.ndarray,
) -> Callable[[int], None]:
    """MLPClassifier, going on from where it was."""
    model = MLPClassifier(
        sizes[1:-1],
        activation={"sigmoid": "logistic"}.get(activation, activation),
        solver=optimiser,
        batch_size=batch,
        learning_rate_init=1e-3,
        momentum=0.0,
        alpha=0.0,
        n_iter_no_change=10**6,
        warm_start=True,
    )

    def go(steps: int) -> None:
        model.max_iter = steps * batch // len(X)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X, y)

    return go


def pytorch(
    sizes: tuple[int, ...],
    batch: int,
    activation: str,
    optimiser: str,
    X: np.ndarray,
    y: np.ndarray,
) -> Callable[[int], None] | None:
    """The same step in PyTorch: fused optimiser, batches taken by index."""
    try:
        import torch
    except ImportError:
        return None
    torch.manual_seed(0)
    layers: list[torch.nn.Module] = []
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        layers.append(torch.nn.Linear(n_in, n_out))
        if i < len(sizes) - 2:
            layers.append(torch.nn.ReLU() if activation == "relu" else torch.nn.Sigmoid())
    net = torch.nn.Sequential(*layers)
    if optimiser == "sgd":
        step_of = torch.optim.SGD(net.parameters(), lr=0.1, fused=True)
    else:
        step_of = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    loss = torch.nn.CrossEntropyLoss()
    data, labels = torch.from_numpy(X), torch.from_numpy(y)

    def go(steps: int) -> None:
        done = 0
        while done < steps:
            order = torch.randperm(len(X))
            for start in range(0, len(X), batch):
                rows = order[start : start + batch]
                step_of.zero_grad(set_to_none=True)
                loss(net(data[rows]), labels[rows]).backward()
                step_of.step()
                done += 1

    return go


def bar(products_us: float) -> float:
    """Largest multiple of the matrix products that is aimed at: calls count where they are few."""
    return 1.35 if products_us >= 500 else 2.1 if products_us >= 60 else 3.0


def measure(name: str, rounds: int) -> dict[str, float]:
    """Smallest time of one step for each contestant, in microseconds."""
    sizes, batch, activation, optimiser = NETWORKS[name]
    rng = np.random.default_rng(1)
    per_epoch = 20
    X = rng.random((per_epoch * batch, sizes[0]), dtype=np.float32)
    y = rng.integers(sizes[-1], size=len(X))
    arguments = (sizes, batch, activation, optimiser, X, y)
    contestants = {
        "products": products(sizes, batch),
        "own": own_products(sizes, batch, activation, X, y),
        "ann": ours(*arguments),
        "ann, 2 threads": ours(*arguments, threads=2),
    }
    contestants["scikit-learn"] = scikit_learn(*arguments)
    torch_step = pytorch(*arguments)
    if torch_step is not None:
        contestants["torch"] = torch_step
    work = 6 * batch * sum(a * b for a, b in pairwise(sizes))
    # Whole epochs, at least a hundred steps, so that what a fit does once does not count.
    steps = max(5, min(100, int(1.5e9 / work / per_epoch))) * per_epoch
    best = dict.fromkeys([*contestants, "ann, by the clock"], np.inf)
    with threadpool_limits(1):
        for go in contestants.values():
            go(per_epoch)
        for _ in range(rounds):
            for key, go in contestants.items():
                began, used = time.perf_counter(), time.process_time()
                go(steps)
                used = (time.process_time() - used) / steps * 1e6
                took = (time.perf_counter() - began) / steps * 1e6
                best[key] = min(best[key], took if key == "ann, 2 threads" else used)
                if key == "ann":
                    best["ann, by the clock"] = min(best["ann, by the clock"], took)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    try:
        import torch

        torch.set_num_threads(1)
    except ImportError:
        print("PyTorch is not installed: its column is left out")
    heads = ("products", "own", "ann", "bar", "", "scikit-learn", "torch", "2 threads / 1")
    print(f"{'network':32}" + "".join(f"{head:>14}" for head in heads))
    for name in NETWORKS:
        if options.only not in name:
            continue
        best = measure(name, options.rounds)
        base = best["products"]
        cells = [f"{base:.1f} µs"]
        cells += [f"{times / base:.2f} ×" for times in (best["own"], best["ann"], bar(base) * base)]
        cells.append("met" if best["ann"] <= bar(base) * base else "missed")
        for key in ("scikit-learn", "torch"):
            cells.append(f"{best[key] / base:.2f} ×" if key in best else "-")
        cells.append(f"{best['ann, 2 threads'] / best['ann, by the clock']:.2f}")
        print(f"{name:32}" + "".join(f"{cell:>14}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
