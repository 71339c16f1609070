"""Results that are kept on disk: the same comes back, what decides it is in its name."""

from __future__ import annotations

import os

import numpy as np
import pytest

from experiments.kit import code_digest, store
from experiments.kit.store import Store, StoreNotice, key_of

VALUES = {
    "rates": np.arange(6.0).reshape(2, 3),
    "none": np.zeros((0, 3), dtype=np.int32),
    "blob": b"\x00\xff",
    "told": {"unit": "Hz", "of": [1, 2.5, None]},
}


def test_every_kind_of_value_comes_back(tmp_path):
    kept = Store(tmp_path)
    assert kept.get(key_of("a")) is None
    put = kept.put(key_of("a"), VALUES, 1.5)
    assert put.fresh
    found = kept.get(key_of("a"))
    assert not found.fresh
    assert (found.seconds, found.made) == (1.5, put.made)
    assert list(found.values) == list(VALUES)
    for name in ("rates", "none"):
        np.testing.assert_array_equal(found.values[name], VALUES[name])
        assert found.values[name].dtype == VALUES[name].dtype
    assert found.values["blob"] == VALUES["blob"]
    assert found.values["told"] == VALUES["told"]


def test_what_is_there_is_not_computed(tmp_path):
    calls = []

    def compute():
        calls.append(1)
        return {"x": 1}

    for _ in range(3):
        assert Store(tmp_path).obtain(key_of("a"), compute).values == {"x": 1}
    assert len(calls) == 1
    # Nothing is kept, and nothing found, where there is no folder.
    assert Store(None).obtain(key_of("a"), compute).fresh
    assert len(calls) == 2


def test_the_key_holds_what_decides_a_result(monkeypatch):
    first = key_of("a", seed=1)
    assert key_of("a", seed=1) == first
    others = {key_of("a", seed=2), key_of("b", seed=1), key_of("a", seed=1, quick=True)}
    monkeypatch.setattr(store, "versions", lambda: {"numpy": "another"})
    others.add(key_of("a", seed=1))
    monkeypatch.undo()
    monkeypatch.setattr(store, "whole_digest", lambda: "other code")
    others.add(key_of("a", seed=1))
    assert len(others | {first}) == 6


def test_the_digest_is_that_of_every_file_of_the_packages(monkeypatch, tmp_path):
    """Also of files that are no Python: a header decides what a program computes."""
    monkeypatch.setattr(code_digest, "_ROOT", tmp_path)
    for one in ("neurosim", "ann", "bridge", "experiments"):
        (tmp_path / one).mkdir()

    def now():
        for one in (code_digest.whole_digest, code_digest._whole, code_digest._other_files):
            one.cache_clear()
        return code_digest.whole_digest()

    digests = [now()]
    for name, text in (("ann/a.py", "1"), ("ann/a.py", "2"), ("neurosim/b.h", "x")):
        (tmp_path / name).write_text(text)
        digests.append(now())
    assert len(set(digests)) == 4
    monkeypatch.undo()
    now()


def test_a_docstring_does_not_count_as_code(monkeypatch, tmp_path):
    """A word in a docstring of one package made the kept results of 42 experiments old."""
    monkeypatch.setattr(code_digest, "_ROOT", tmp_path)
    for name in ("neurosim", "ann", "bridge", "experiments"):
        (tmp_path / name).mkdir()
    caches = (
        code_digest.code_digest, code_digest.code_of, code_digest._whole,
        code_digest._other_files, code_digest._imports, code_digest._statements,
    )  # fmt: skip

    def now(text):
        (tmp_path / "ann/a.py").write_text(text, encoding="utf-8")
        for one in caches:
            one.cache_clear()
        return code_digest.code_digest("ann.a")

    code = '"""Says é."""\n\nX = "a"\n"""Of X."""\n\n\ndef f():\n    """{}."""\n    return "b"\n'
    first = now(code.format("One\n\n    line"))
    reworded = now(code.format("Another"))
    changed = [
        now(code.format("One").replace(old, new)) for old, new in (('"a"', '"c"'), ("b", "d"))
    ]
    monkeypatch.undo()
    for one in caches:
        one.cache_clear()
    assert first == reworded
    assert len({first, *changed}) == 3


def test_a_template_counts_for_the_code_of_its_folder_only(monkeypatch, tmp_path):
    """The page of one command says nothing of what an experiment computes; a header does."""
    monkeypatch.setattr(code_digest, "_ROOT", tmp_path)
    for name in ("neurosim", "ann", "bridge/page/templates", "experiments"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "ann/a.py").write_text("")
    (tmp_path / "bridge/page/b.py").write_text("")

    def now():
        cached = (code_digest.code_digest, code_digest.code_of, code_digest._whole)
        also = (code_digest._other_files, code_digest._imports, code_digest._statements)
        for one in (*cached, *also):
            one.cache_clear()
        return [code_digest.code_digest(name) for name in ("ann.a", "bridge.page.b")]

    first = now()
    (tmp_path / "bridge/page/templates/page.html").write_text("x")
    template = now()
    (tmp_path / "neurosim/b.h").write_text("x")
    header = now()
    monkeypatch.undo()
    for one in (code_digest.code_digest, code_digest.code_of, code_digest._other_files):
        one.cache_clear()
    code_digest._whole.cache_clear()
    assert [one == other for one, other in zip(first, template, strict=True)] == [True, False]
    assert not set(template) & set(header)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: b"",
        lambda content: content[:200] + bytes([content[200] ^ 1]) + content[201:],
        lambda content: b"\xff" + content[1:],
    ],
)
def test_a_damaged_result_is_computed_anew_and_said(tmp_path, damage):
    kept = Store(tmp_path)
    kept.put(key_of("a"), VALUES, 1.0)
    path = tmp_path / key_of("a")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.warns(StoreNotice, match="damaged.*computed anew"):
        again = kept.obtain(key_of("a"), lambda: {"x": 2})
    assert again.fresh
    assert kept.get(key_of("a")).values == {"x": 2}


def test_the_store_is_bounded_and_keeps_what_was_used_last(tmp_path):
    kept = Store(tmp_path, most_bytes=25_000)
    keys = [key_of("a", number=k) for k in range(4)]
    for k, key in enumerate(keys[:3]):
        kept.put(key, {"x": bytes(10_000 if k else 9_000)}, 1.0)
        # Of one second each, whatever the clock of the file system can tell.
        os.utime(tmp_path / key, (k, k)) if (tmp_path / key).exists() else None
        if k == 1:
            assert kept.get(keys[0]) is not None
    assert kept.get(keys[1]) is None
    assert kept.get(keys[0]) is not None
    kept.put(keys[3], {"x": bytes(30_000)}, 1.0)
    assert kept.get(keys[3]) is None
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 25_000
    assert kept.clear() == 2
    assert not list(tmp_path.iterdir())


def test_a_store_that_cannot_be_written_is_said_and_stands_in_nobodys_way(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.warns(StoreNotice, match="cannot be stored"):
        found = Store(tmp_path / "file").obtain(key_of("a"), lambda: {"x": 1})
    assert found.values == {"x": 1}


def test_modules_that_are_left_out_do_not_count(monkeypatch, tmp_path):
    """Neither does what only they import, nor files beside them."""
    monkeypatch.setattr(code_digest, "_ROOT", tmp_path)
    for name in ("neurosim/cable", "ann", "bridge", "experiments"):
        (tmp_path / name).mkdir(parents=True)
    caches = (
        code_digest.code_digest, code_digest.code_of, code_digest._whole,
        code_digest._other_files, code_digest._imports, code_digest._statements,
    )  # fmt: skip

    def now(**changed):
        files = {
            "a.py": "from neurosim.cable import solve\nfrom neurosim.c import x",
            "c.py": "x = 1",
            "only.py": "y = 1",
            "cable/solve.py": "from neurosim.only import y",
            "cable/solve.h": "int y;",
        }
        for name, text in (files | changed).items():
            (tmp_path / "neurosim" / name).write_text(text)
        for one in caches:
            one.cache_clear()
        without = ("neurosim.cable",)
        return [code_digest.code_digest("neurosim.a", "neurosim", w) for w in ((), without)]

    first = now()
    cable = [now(**{"cable/solve.py": "x = 2"}), now(**{"cable/solve.h": "int z;"}),
             now(**{"only.py": "y = 2"})]  # fmt: skip
    point = now(**{"c.py": "x = 2"})
    monkeypatch.undo()
    for one in caches:
        one.cache_clear()
    assert all(changed[0] != first[0] for changed in (*cable, point))
    assert all(changed[1] == first[1] for changed in cable)
    assert point[1] != first[1]


def test_marks_of_files_change_when_one_is_written(monkeypatch, tmp_path):
    monkeypatch.setattr(code_digest, "_ROOT", tmp_path)
    file = tmp_path / "neurosim" / "a.py"
    file.parent.mkdir()
    file.write_text("1")
    first, told = code_digest.file_marks("neurosim"), os.stat(file)
    assert code_digest.file_marks("neurosim") == first
    file.write_text("2")
    # As one does who wants to hide it.
    os.utime(file, ns=(told.st_atime_ns, told.st_mtime_ns))
    assert code_digest.file_marks("neurosim") != first


def test_a_key_knows_for_which_processor_linear_algebra_is_made(monkeypatch):
    """README's networks read 97.7 % with routines for AVX-512, and 98.0 % with those for AVX2."""
    keys = []
    for name in ("Haswell", "SkylakeX"):
        told = [{"architecture": name}, {"user_api": "openmp"}]
        monkeypatch.setattr(store, "threadpool_info", lambda told=told: told)
        store._processor.cache_clear()
        keys.append(key_of("a"))
    store._processor.cache_clear()
    assert keys[0] != keys[1]
