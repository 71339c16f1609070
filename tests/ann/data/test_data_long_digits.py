"""Digits that are no number, and numbers of thousands of digits, are cells like others."""

import pytest

from ann.data import Rules, profile_file, read_table
from ann.data.errors import SchemaError

LONG = "1" * 5000


@pytest.mark.parametrize(
    "header",
    ["10²,10³,label", f"{LONG},b,label", f"1,2,{LONG}", "①,②,③", "2⁰¹¹,2⁰¹²,2⁰¹³", f"{LONG}²,b,c"],
)
def test_a_header_of_odd_digits(tmp_path, header):
    """A ValueError of Python's came through, of `int`."""
    path = tmp_path / "t.csv"
    path.write_text("\n".join([header, *(f"{k},{2 * k},{k % 2}" for k in range(30))]))
    assert read_table(path).frame.shape in ((30, 3), (31, 3))
    profile_file(path)


def test_odd_digits_below_each_other(tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"{k},{LONG if k % 2 else k},{k}²" for k in range(30)]
    path.write_text("\n".join(["a,b,c", *rows]))
    assert read_table(path).frame.shape == (30, 3)
    profile_file(path)


@pytest.mark.parametrize("number", [LONG, f"-{LONG}", f"[{LONG}]"])
def test_rules_with_a_number_of_thousands_of_digits(number):
    with pytest.raises(SchemaError, match="thousands of digits"):
        Rules.loads(f'{{"format": "neurosim data rules", "version": {number}}}')
