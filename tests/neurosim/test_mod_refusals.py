"""MOD files that do not come in: what is refused, by line, and what no file can do."""

# Files stand on one line each, so that a case and its verdict are seen together.
# ruff: noqa: E501

from __future__ import annotations

import ast
import pickle
import time

import pytest

from neurosim.errors import ModError, NeurosimError
from neurosim.mod import from_mod, read_part, write_python

OPENING = "NEURON {{ SUFFIX x NONSPECIFIC_CURRENT i {more} }}\nASSIGNED {{ v i }}\n"


def text(body: str, more: str = "") -> str:
    return OPENING.format(more=more) + body


@pytest.fixture
def refused(tmp_path):
    def given(content: str | bytes) -> ModError:
        path = tmp_path / "given.mod"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        begun = time.process_time()
        with pytest.raises(ModError) as caught:
            from_mod(path)
        assert time.process_time() - begun < 10
        assert str(path) in str(caught.value)
        return caught.value

    return given


SOLVED = """STATE { x y }
INITIAL { SOLVE q }
BREAKPOINT { SOLVE d METHOD cnexp  i = x }
DERIVATIVE d { x' = -x  y' = -y }
"""
PLAIN = "BREAKPOINT { i = 1e-4*(v + 60) }\n"


@pytest.mark.parametrize(
    ("content", "construct", "line"),
    [
        (text(PLAIN + "VERBATIM\nsystem(\"touch /tmp/x\");\nENDVERBATIM\n"), "VERBATIM", 4),
        (text("BREAKPOINT { \nVERBATIM\nexit(1);\nENDVERBATIM\n i = v }"), "VERBATIM", 4),
        # "return 0;" ends a procedure: what follows it would never run.
        (
            text("BREAKPOINT { p() i = v }\nPROCEDURE p() {\nVERBATIM\nreturn 0;\nENDVERBATIM\n i = 2 }"),
            "VERBATIM",
            5,
        ),
        (text(PLAIN + 'INCLUDE "/etc/passwd"\n'), "INCLUDE", 4),
        (text(PLAIN + 'INCLUDE "../../secret.inc"\n'), "INCLUDE", 4),
        (text(PLAIN, more="POINTER p"), "POINTER", 1),
        (text(PLAIN + "FUNCTION_TABLE tau(v)\nLINEAR q { ~ i = 1 }"), "FUNCTION_TABLE", 4),
        (text("STATE { x y }\nBREAKPOINT { SOLVE q i = x }\nLINEAR q { ~ x + y = 1 ~ x = 2*y }"), "LINEAR", 5),
        (text(SOLVED + "LINEAR q { ~ x + y = 1 ~ 2*x + 2*y = 2 }"), "LINEAR", 4),
        (text(SOLVED + "LINEAR q { ~ x*x = 1 ~ y = 2*x }"), "LINEAR", 4),
        (text(SOLVED + "LINEAR q { ~ x + y = 1 }"), "LINEAR", 4),
        (text(SOLVED.replace("SOLVE q", "SOLVE q x = 3") + "LINEAR q { ~ x = 1 ~ y = 2 }"), "x", 4),
        (text("STATE { x }\nBREAKPOINT { SOLVE q i = x }\nKINETIC q { ~ x = 1 }"), "~", 5),
        (text("BREAKPOINT { i = v*cai }\nINITIAL {\nVERBATIM\ncai = _ion_cai;\nENDVERBATIM\n}"), "VERBATIM", 5),
        (text("BREAKPOINT { i = v }\nVERBATIM\n#include <mine.h>\nENDVERBATIM"), "VERBATIM", 4),
        (text("BREAKPOINT { i = v }\nVERBATIM\n#define exp(x) 0 /* */\nENDVERBATIM"), "VERBATIM", 4),
        (text("PARAMETER { n = 2 }\nBREAKPOINT { n = v\n FROM k = 1 TO n { i = i + k } }"), "FROM", 5),
        (text("BREAKPOINT {\n FROM k = 1 TO v { i = i + k } }"), "FROM", 4),
        (text("ASSIGNED { on }\nINITIAL { on = 1 }\nBREAKPOINT {\n if (v > 0) { on = 0 } i = on*v }"), "on", 6),
        ("NEURON { POINT_PROCESS x USEION ca WRITE cai }\nBREAKPOINT { }\nNET_RECEIVE(w) { }", "WRITE cai", 1),
        ("NEURON { POINT_PROCESS x USEION ca READ ica NONSPECIFIC_CURRENT i }\nBREAKPOINT { i = ica }\n"
         "NET_RECEIVE(w) { }", "READ ica", 1),
        (text("STATE { x }\nBREAKPOINT { SOLVE q i = x }\nDISCRETE q { x = x + 1 }"), "DISCRETE", 5),
        (text("BEFORE STEP { i = 2 }\n" + PLAIN), "BEFORE", 3),
        (text("BREAKPOINT {\n i = i + v }"), "i", 4),
        (text("ASSIGNED { top }\nBREAKPOINT {\n if (v > top) { top = v }\n i = top }"), "top", 5),
        (text("ASSIGNED { first }\nINITIAL { first = v }\nBREAKPOINT { i = first*v }"), "first", 4),
        (text("BREAKPOINT { i = v + t }"), "t", 3),
        (text("BREAKPOINT {\n i = v/dt }"), "i", 4),
        (text("BREAKPOINT { LOCAL a\n i = a*v }"), "a", 4),
        (text("BREAKPOINT { WHILE (v > 0) { i = 2 } }"), "WHILE", 3),
        (text("BREAKPOINT { i = f(v) }\nFUNCTION f(x) { f = f(x) }"), "f", 4),
        (text("BREAKPOINT { i = f(v) }\nFUNCTION f(x, y) { f = x }"), "f", 3),
        (text("BREAKPOINT { i = scop_random()*v }"), "scop_random", 3),
        (text("BREAKPOINT { i = hoc_call(v) }"), "hoc_call()", 3),
        (text("BREAKPOINT { celsius = 37 i = v }"), "celsius", 3),
        (text("BREAKPOINT { i = nowhere*v }"), "nowhere", 3),
        (text("STATE { x }\nINITIAL { x = 1 }\nBREAKPOINT { i = x\n if (x > 2) { x = 2 } SOLVE q }\n"
              "DERIVATIVE q { x' = 1 }"), "x", 6),
        ("NEURON { SUFFIX x USEION lca READ lcai WRITE ilca }\nBREAKPOINT { ilca = 1 }", "USEION lca READ lcai", 1),
        ("NEURON { SUFFIX x USEION ca READ ica WRITE cai, ica }\nBREAKPOINT { ica = 1 }", "READ ica", 1),
        ("NEURON { SUFFIX x }\nBREAKPOINT { }", "x", 1),
        ("NEURON { ARTIFICIAL_CELL x }", "ARTIFICIAL_CELL", 1),
        ("NEURON { POINT_PROCESS x ELECTRODE_CURRENT i }", "ELECTRODE_CURRENT", 1),
        ("NEURON { POINT_PROCESS x NONSPECIFIC_CURRENT i }\nASSIGNED { i v }\nBREAKPOINT { i = v }\n"
         "NET_RECEIVE(w) {\n net_send(1, 2) }", "net_send", 5),
        ("NEURON { POINT_PROCESS x NONSPECIFIC_CURRENT i }\nASSIGNED { i v }\nBREAKPOINT { i = v }\n"
         "NET_RECEIVE(w, last) { }", "NET_RECEIVE", 4),
        ("", "NEURON", 1),
        ("#!/bin/sh\nrm -rf /", "the sign '#'", 1),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_refused_by_line(refused, content, construct, line):
    error = refused(content)
    if construct not in ("NEURON", "the sign '#'"):
        assert (error.construct, error.line) == (construct, line), str(error)
    assert isinstance(error, NeurosimError)
    again = pickle.loads(pickle.dumps(error))
    assert (again.construct, again.line, str(again)) == (error.construct, error.line, str(error))


@pytest.mark.parametrize(
    "content",
    [
        b"\0" * 100,
        text(PLAIN).encode() + b"\0",
        "x\n" * 10**6,
        text("BREAKPOINT { i = 1\n" * 1) + "i = i + 1\n" * 90_000,
        text("BREAKPOINT {\n" + "i = i + v\n" * 60_000 + "}"),
        text("BREAKPOINT { i = " + "(" * 5000 + "v" + ")" * 5000 + " }"),
        text("BREAKPOINT { i = " + "-" * 5000 + "v }"),
        text("BREAKPOINT { i = " + "v^" * 5000 + "v }"),
        text("BREAKPOINT { i = " + "v+" * 100_000 + "v }"),
        text("BREAKPOINT { " + "if (v > 0) {" * 3000 + "}" * 3001),
        text("BREAKPOINT { if (v > 1) { i = 1 }" + " else if (v > 2) { i = 2 }" * 5000 + "}"),
        text("BREAKPOINT { FROM k = 0 TO 1000000000 { i = k } }"),
        text("BREAKPOINT { i = f0(v) }\n"
             + "".join(f"FUNCTION f{k}(x) {{ f{k} = f{k + 1}(x) + f{k + 1}(x + 1) }}\n" for k in range(25))
             + "FUNCTION f25(x) { f25 = exp(x) }"),
        text("PARAMETER { a = 1 (" + "(" * 10_000 + ") }"),
        text("PARAMETER { a = 1e999 (mV) }\nBREAKPOINT { i = a*v }"),
        text("BREAKPOINT { i = v*1e999 }"),
        text("ASSIGNED { a[999999999999] }\n" + PLAIN),
        text("COMMENT\n" + PLAIN),
        text("VERBATIM\n" + PLAIN),
    ],
    ids=range(19),
)  # fmt: skip
def test_bombs_are_refused_in_seconds(refused, content):
    refused(content)


def test_files_are_included_from_the_folder_that_is_named_and_from_nowhere_else(tmp_path):
    inside, path = tmp_path / "parts", tmp_path / "own.mod"
    inside.mkdir()
    (inside / "g.inc").write_text("PARAMETER { g = 0.5 (S/cm2) : how much\n}")
    (inside / "again.inc").write_text('INCLUDE "again.inc"')
    (tmp_path / "outside.inc").write_text("PARAMETER { g = 1 }")
    (inside / "link.inc").symlink_to(tmp_path / "outside.inc")
    body = "BREAKPOINT { i = g*v }"
    path.write_text(text('INCLUDE "g.inc"\n' + body))
    assert "g" in from_mod(path, include=inside).quantity_fields()
    with pytest.raises(ModError, match="no other file is opened"):
        from_mod(path)
    wrong = {
        "../outside.inc": "no plain name",
        str(tmp_path / "outside.inc"): "no plain name",
        "link.inc": "holds no file",
        "none.inc": "holds no file",
        "again.inc": "include one another",
    }
    for name, why in wrong.items():
        path.write_text(text(f'INCLUDE "{name}"\n' + body))
        with pytest.raises(ModError, match=why) as caught:
            from_mod(path, include=inside)
        assert (caught.value.construct, caught.value.line) == ("INCLUDE", 3)


def test_a_file_that_is_not_there_and_a_folder_are_named(tmp_path):
    for path in (tmp_path / "none.mod", tmp_path):
        with pytest.raises(ModError, match="cannot be read"):
            from_mod(path)


def test_long_sums_come_in_or_are_refused_by_name(tmp_path):
    path = tmp_path / "long.mod"
    path.write_text(text("BREAKPOINT { i = " + "+".join(["v"] * 150) + " }"))
    assert from_mod(path)().ion is None


NASTY = '''TITLE """ + __import__("os").system("echo hurt") + """ \\
NEURON { SUFFIX class NONSPECIFIC_CURRENT i RANGE lambda, import_, mV, exp_, v_mV, name, E }
PARAMETER {
    lambda = 1 (S/cm2) : \\"""); import os; os.system("echo hurt") #
    None = 2 (mV) : {__import__('os')}
    mV = 3 (mV)
    name = 4
    E = 5
    current = 6
    __class__ = 7
    equations = 8
    xi = 9
    starts = 10
    phi_x = 11
    unit = 1 (__import__)
}
ASSIGNED { v (mV) i (mA/cm2) and }
STATE { pass int }
INITIAL { pass = 0.3 int = 0.4 }
BREAKPOINT {
    SOLVE def METHOD cnexp
    and = lambda + None + mV + name + E + current + __class__ + equations + xi + starts + phi_x + unit
    i = and*pass*int*(v + 3)
}
DERIVATIVE def { pass' = 1 - pass  int' = 2 - int }
'''


def test_names_comments_and_titles_cannot_become_code(tmp_path):
    path = tmp_path / 'a"""b\\.mod'
    path.write_text(NASTY)
    part = read_part(path)
    source = write_python(part)
    tree = ast.parse(source)
    calls = {ast.unparse(one.func) for one in ast.walk(tree) if isinstance(one, ast.Call)}
    assert calls <= {"quantity", "Quantity", "dataclass"}
    imported = {
        one.module if isinstance(one, ast.ImportFrom) else one.names[0].name
        for one in ast.walk(tree)
        if isinstance(one, ast.Import | ast.ImportFrom)
    }
    assert imported == {"dataclasses", "brian2", "neurosim.channels", "neurosim.quantities"}
    space: dict = {}
    exec(compile(tree, "part.py", "exec"), space)
    made, written = from_mod(path)(), space[part.title]()
    assert {float(x) for x in made.parameters().values()} == {
        float(x) for x in written.parameters().values()
    }
    # lambda is 1 S/cm2, which the formulas count in its own unit.
    total = 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10 + 11 + 1
    from brian2 import cm, mA, mV

    density = made.density(-63 * mV)
    assert float(density / (mA / cm**2)) == pytest.approx(total * 1 * 2 * 60, rel=1e-12)
