"""Searches of scikit-learn and of `ann` on the workers of a Dask client."""

from __future__ import annotations

import os
from functools import partial

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV

from ann import ShallowNetwork

distributed = pytest.importorskip("distributed", reason="needs the extra 'sweep'")
cloudpickle = pytest.importorskip("cloudpickle", reason="needs the extra 'sweep'")

X, Y = load_iris(return_X_y=True)
MODEL = ShallowNetwork(hidden=4, max_epochs=20, random_state=0)


def score_elsewhere(model, X, y, here):
    """Score a model, but not in the process `here`."""
    assert os.getpid() != here
    return accuracy_score(y, model.predict(X))


@pytest.fixture(scope="module")
def client():
    # Workers cannot import this module.
    cloudpickle.register_pickle_by_value(__import__(score_elsewhere.__module__))
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster) as connected:
        yield connected


@pytest.mark.slow
def test_a_grid_search_has_the_same_scores_on_dask(client):
    def searched(scoring):
        grid = {"l2": [0.01, 1.0], "batch_size": [16, 64]}
        return GridSearchCV(MODEL, grid, cv=3, scoring=scoring, error_score="raise").fit(X, Y)

    here = searched("accuracy")
    with joblib.parallel_config("dask", client=client):
        there = searched(partial(score_elsewhere, here=os.getpid()))
    for k in range(3):
        name = f"split{k}_test_score"
        assert np.array_equal(there.cv_results_[name], here.cv_results_[name])
    assert len(set(here.cv_results_["mean_test_score"])) > 1
    assert there.best_params_ == here.best_params_
    assert np.array_equal(there.predict_proba(X), here.predict_proba(X))


@pytest.mark.slow
def test_a_search_of_ann_has_the_same_trials_on_dask(client):
    optuna = pytest.importorskip("optuna", reason="needs the extra 'search'")
    from ann.estimators.hyperparameter_search import search

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    more = {"n_trials": 4, "cv": 3, "seed": 0}
    model, study = search(MODEL, X, Y, scoring="accuracy", **more)
    with joblib.parallel_config("dask", client=client):
        scoring = partial(score_elsewhere, here=os.getpid())
        there, study_there = search(MODEL, X, Y, scoring=scoring, **more)
    trials, trials_there = (
        [(one.params, one.value) for one in made.trials] for made in (study, study_there)
    )
    assert len({value for _, value in trials}) > 1
    assert trials_there == trials
    assert np.array_equal(there.predict_proba(X), model.predict_proba(X))
