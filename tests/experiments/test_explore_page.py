"""The explorer as a file: one page, whole, that asks nothing of anyone."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from experiments.explore.embedding import packed, safe_json
from experiments.explore.page_builder import MOST_BYTES, page_text

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \u2028 ' \" & {{ data }}"


def test_hostile_words_cannot_leave_the_data():
    text = page_text({"note": {HOSTILE: [HOSTILE]}}, title=HOSTILE)
    assert text.count("<script") == text.count("</script>") == 2
    assert "<img" not in text
    inside = re.search(r'id="data">(.*?)</script>', text, re.DOTALL).group(1)
    assert json.loads(inside) == {"note": {HOSTILE: [HOSTILE]}}


def test_the_page_names_no_other_file_and_no_server():
    text = page_text({})
    assert "default-src 'none'" in text
    # The only addresses are names of SVG's language, which nothing fetches.
    assert set(re.findall(r"https?://[\w./]+", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(link|script|img|iframe)[^>]*\s(src|href)=\"(?!data:)", text)


def test_the_policy_allows_this_script_and_style_alone():
    import base64
    import hashlib

    text = page_text({})
    policy = re.search(r'Policy" content="([^"]*)"', text).group(1)
    for tag in ("style", "script"):
        inside = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert len(inside) == 1
        digest = base64.b64encode(hashlib.sha256(inside[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "unsafe-inline" not in policy
    assert "'unsafe-eval'" not in policy


def test_packed_numbers_come_back_to_the_bit_and_none_is_changed_on_the_way():
    import base64

    values = np.array([[0.1, -1e-300], [np.pi, 7.0]])
    told = packed(values)
    back = np.frombuffer(base64.b64decode(told["data"]), "<f8").reshape(told["shape"])
    np.testing.assert_array_equal(back, values)
    with pytest.raises(ValueError, match="would change"):
        packed([0.5], "u1")


def test_numbers_that_json_cannot_say_are_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        safe_json({"rate": float("nan")})


def test_an_empty_page_is_far_below_the_limit():
    assert len(page_text({}).encode()) < MOST_BYTES / 10
