"""Programs as one compressed text: the page's worker finds every byte of them again."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess

import numpy as np
import pytest

from experiments.explore.bundle import bundle_of, bundled
from experiments.explore.kernel.package import KernelPackage
from experiments.explore.page_builder import page_part

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
# The worker listens to messages, which it has no page for here.
_READ = """
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
opened(given).then((files) => console.log(JSON.stringify(
    [...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")]))));
"""


def reopened(told):
    """Return the files as the script of the worker opens them."""
    script = f"globalThis.self = {{}};\n{page_part('kernel_worker.js')}\n{_READ}"
    done = subprocess.run(
        ["node", "-e", script], input=json.dumps(told), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return {name: base64.b64decode(text) for name, text in json.loads(done.stdout)}


def likes(seed):
    """Three files of which two share most, further apart than any window of deflate."""
    random = np.random.default_rng(seed)
    first = random.bytes(70_000)
    at = np.sort(random.choice(len(first), 60, replace=False)).tolist()
    pieces = [first[a:b] for a, b in zip([0, *at], [*at, len(first)], strict=True)]
    # Bytes were changed, put in and taken out, as in the program of another neuron.
    second = b"".join(
        piece[k % 3 :] + random.bytes(int(random.integers(4))) for k, piece in enumerate(pieces)
    )
    return {"a.wasm": first, "b.wasm": second, "b/settings": first[5_000:5_016], "none": b""}


@needs_node
@pytest.mark.parametrize("seed", range(4))
def test_the_worker_finds_every_byte_again(seed):
    files = likes(seed)
    assert reopened(bundled(files)) == files


@needs_node
@pytest.mark.parametrize("files", [{}, {"a": b""}, {"a": b"x"}, {"a": bytes(100_000)}])
def test_small_and_even_files_are_no_exception(files):
    assert reopened(bundled(files)) == files


def test_what_two_files_share_is_said_once():
    files = likes(1)
    told = bundled(files)
    # Random bytes do not become smaller, so anything below their sum is what was copied.
    size = len(base64.b64decode(told["data"]))
    assert size < 1.1 * len(files["a.wasm"])
    assert told["copies"] > 40


def test_a_bundle_says_what_the_worker_asks_for():
    package = KernelPackage(b"\0asm", {"settings": b"12345678"}, (), {"bent": "why"}, {"dt_s": 1.0})
    told = bundle_of({"LIF": package})
    assert told["files"] == [
        ["LIF.wasm", 4],
        ["LIF.json", told["files"][1][1]],
        ["LIF/settings", 8],
    ]
