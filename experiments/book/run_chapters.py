"""Run chapters side by side before Sphinx reads them.

Sphinx divides its pages among its processes in the order of their names, so that all chapters come
to one of them; and what is wrong in a chapter is lost on the way from there.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

__all__ = ["run_chapters"]

_LONGEST_S = 1800


def run_chapters(chapters: Sequence[Path], executed: Path, jobs: int) -> dict[str, str]:
    """Run those chapters whose outputs are not kept, and keep their outputs.

    Parameters
    ----------
    chapters : sequence of Path
        As they were laid out.
    executed : Path
        Where outputs are kept.
    jobs : int
        Chapters that run at the same time.

    Returns
    -------
    dict of str to str
        Of each chapter that failed, what Python said.
    """
    from jupyter_cache import get_cache

    cache = get_cache(str(executed))
    # It knows a chapter by its whole path.
    pages = [str(chapter.resolve()) for chapter in chapters]
    for page in pages:
        cache.add_nb_to_project(page, read_data={"name": "myst_nb_md", "type": "plugin"})
    # Others may be known from an earlier build, and are gone.
    waiting = [record.uri for record in cache.list_unexecuted(filter_uris=pages)]
    todo = [page for page in pages if page in waiting]
    run = partial(_run, str(executed))
    if len(todo) > 1 and jobs > 1:
        # Fresh processes: a fork would take over what this one has open.
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            said = list(pool.map(run, todo))
    else:
        said = [run(page) for page in todo]
    return {Path(page).name: text for page, text in zip(todo, said, strict=True) if text}


def _run(executed: str, chapter: str) -> str:
    """Run a chapter; return what Python said if it failed, else nothing."""
    from jupyter_cache import get_cache
    from jupyter_cache.executors import load_executor

    silent = logging.getLogger("experiments.book.silent")
    silent.addHandler(logging.NullHandler())
    silent.propagate = False
    cache = get_cache(executed)
    executor = load_executor("local-serial", cache, logger=silent)
    done = executor.run_and_cache(filter_uris=[chapter], timeout=_LONGEST_S)
    if not (done.excepted or done.errored):
        return ""
    return cache.get_project_record(chapter).traceback or "it could not be run"
