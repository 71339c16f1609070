"""Bundled tables: accuracy, log-loss and optima beside scikit-learn, on the same folds.

    OMP_NUM_THREADS=1 python benchmarks/ann_accuracy.py [--repeats 20] [--only deep|peers|logistic]

deep      five hidden layers of 64 sigmoid units against the best shallow network, all defaults
peers     the best of our defaults against the best of scikit-learn's, paired fold by fold
logistic  the objective at C = 1 on standardised data, the coefficients, and the time
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.linear_model import LogisticRegression as PeerLogistic
from sklearn.metrics import log_loss
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from ann.estimators.models import DeepNetwork, LogisticRegression, ShallowNetwork

TABLES = {
    "iris": load_iris,
    "wine": load_wine,
    "breast cancer": load_breast_cancer,
    "digits": load_digits,
}
OPTIMA = {"iris": 31.378768, "wine": 12.090336, "breast cancer": 37.758946, "digits": 113.479955}

OURS: dict[str, Callable[[int], Any]] = {
    "LogisticRegression": lambda seed: LogisticRegression(),
    "ShallowNetwork": lambda seed: ShallowNetwork(random_state=seed),
    "DeepNetwork": lambda seed: DeepNetwork(random_state=seed),
}
PEERS: dict[str, Callable[[int], Any]] = {
    "logistic C=1": lambda seed: PeerLogistic(),
    "mlp (100) relu adam": lambda seed: MLPClassifier(max_iter=500, random_state=seed),
    "mlp (30) logistic adam .01": lambda seed: MLPClassifier(
        (30,), activation="logistic", learning_rate_init=0.01, max_iter=500, random_state=seed
    ),
    "mlp (100) lbfgs alpha 1": lambda seed: MLPClassifier(
        solver="lbfgs", alpha=1.0, max_iter=500, random_state=seed
    ),
}


def scores(
    make: Callable[[int], Any], X: np.ndarray, y: np.ndarray, repeats: int
) -> tuple[np.ndarray, np.ndarray]:
    """Accuracy and log-loss of every fold."""
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=repeats, random_state=0)
    right, lost = [], []
    for seed, (train, test) in enumerate(folds.split(X, y)):
        model = make_pipeline(StandardScaler(), make(seed))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X[train], y[train])
        p = model.predict_proba(X[test])
        right.append(np.mean(model.classes_[p.argmax(axis=1)] == y[test]))
        lost.append(log_loss(y[test], p, labels=model.classes_))
    return np.array(right), np.array(lost)


def deep(repeats: int) -> None:
    print(f"\n{'five hidden sigmoid layers':28} {'deep':>8} {'shallow':>9} {'logistic':>9}  behind")
    for name, table in TABLES.items():
        X, y = table(return_X_y=True)
        n = max(1, repeats // 10) if name == "digits" else repeats
        found = [scores(OURS[k], X, y, n)[0].mean() for k in OURS]
        print(
            f"{name:28} {found[2]:8.4f} {found[1]:9.4f} {found[0]:9.4f}"
            f"  {max(found[:2]) - found[2]:+.4f} (allowed .015)",
            flush=True,
        )


def peers(repeats: int) -> None:
    print("\naccuracy / log-loss; difference ± one standard error over paired folds")
    for name, table in TABLES.items():
        X, y = table(return_X_y=True)
        n = max(1, repeats // 10) if name == "digits" else repeats
        ours = {k: scores(make, X, y, n) for k, make in OURS.items()}
        theirs = {k: scores(make, X, y, n) for k, make in PEERS.items()}
        for side in (ours, theirs):
            for k, (right, lost) in side.items():
                print(f"  {name:14} {k:28} {right.mean():.4f} / {lost.mean():.4f}")
        for i, what, sign in ((0, "accuracy", 1), (1, "log-loss", -1)):
            a = max(ours, key=lambda k: sign * ours[k][i].mean())
            b = max(theirs, key=lambda k: sign * theirs[k][i].mean())
            gap = ours[a][i] - theirs[b][i]
            error = gap.std(ddof=1) / np.sqrt(len(gap))
            print(
                f"{name:14} {what:9} {a:18} against {b:28} {gap.mean():+.4f} ± {error:.4f}",
                flush=True,
            )


def logistic() -> None:
    heads = ("ours, off by", "coefficients", "peer, off by", "time", "peer")
    print(f"\n{'objective':14} " + " ".join(f"{head:>13}" for head in heads))
    for name, table in TABLES.items():
        X, y = table(return_X_y=True)
        X = scale(X)
        codes = np.searchsorted(np.unique(y), y)

        def objective(model: Any, X: np.ndarray = X, codes: np.ndarray = codes) -> float:
            z = X @ model.coef_.T + model.intercept_
            z = np.column_stack([np.zeros(len(z)), z]) if z.shape[1] == 1 else z
            loss = np.logaddexp.reduce(z, axis=1) - z[np.arange(len(z)), codes]
            return float(loss.sum() + 0.5 * np.sum(model.coef_**2))

        kinds: tuple[Callable[[], Any], ...] = (LogisticRegression, PeerLogistic)
        times = [np.inf, np.inf]
        models: list[Any] = [None, None]
        for _ in range(15):
            for i, kind in enumerate(kinds):
                began = time.perf_counter()
                models[i] = kind().fit(X, y)
                times[i] = min(times[i], time.perf_counter() - began)
        exact = LogisticRegression(tol=1e-16).fit(X, y)
        off = [objective(m) / OPTIMA[name] - 1 for m in models]
        coefficients = np.abs(models[0].coef_ - exact.coef_).max()
        print(
            f"{name:14} {off[0]:13.1e} {coefficients:13.1e} {off[1]:13.1e} "
            f"{times[0] * 1e3:10.2f} ms {times[1] * 1e3:10.2f} ms"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--only", choices=("deep", "peers", "logistic"))
    options = parser.parse_args()
    if options.only in (None, "logistic"):
        logistic()
    if options.only in (None, "deep"):
        deep(options.repeats)
    if options.only in (None, "peers"):
        peers(options.repeats)


if __name__ == "__main__":
    main()
