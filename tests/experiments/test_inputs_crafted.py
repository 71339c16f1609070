"""Input files whose headers lie about their size."""

import zipfile

import numpy as np
import pytest

from bridge.errors import ConversionError
from experiments.tables.array_inputs import read_inputs


@pytest.mark.slow
def test_an_archive_that_unpacks_to_far_more_than_its_size_is_refused(tmp_path):
    path = tmp_path / "bomb.npz"
    header = np.lib.format.header_data_from_array_1_0(np.zeros(0))
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("X.npy", "w", force_zip64=True) as stream,
    ):
        np.lib.format.write_array_header_1_0(stream, {**header, "shape": (10**9, 1)})
        for _ in range(40):
            stream.write(bytes(2**24))
    assert path.stat().st_size < 1e6
    with pytest.raises(ConversionError, match=r"unpacks to 0\.671 GB"):
        read_inputs(path)


@pytest.mark.parametrize("shape", [(10**12, 4), (10**30,), (10**9, 10**9)])
def test_an_array_larger_than_its_file_is_refused(tmp_path, shape):
    path = tmp_path / "X.npy"
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(
            stream, {"descr": "<f8", "fortran_order": False, "shape": shape}
        )
    with pytest.raises(ConversionError, match="says it holds an array of the shape"):
        read_inputs(path)
    archive = tmp_path / "X.npz"
    with zipfile.ZipFile(archive, "w") as out:
        out.write(path, "X.npy")
    with pytest.raises(ConversionError, match="cut short"):
        read_inputs(archive)


@pytest.mark.parametrize("packed", [True, False])
def test_what_is_large_and_true_is_read(tmp_path, packed):
    path = tmp_path / "X.npz"
    X = np.zeros((3, 4))
    (np.savez_compressed if packed else np.savez)(path, X=X)
    np.testing.assert_array_equal(read_inputs(path)[0], X)
    np.save(tmp_path / "X.npy", X)
    np.testing.assert_array_equal(read_inputs(tmp_path / "X.npy")[0], X)


@pytest.mark.parametrize("text", ["{'descr': [], 'x': 1}", "{" * 3000, "__import__('os')", "\0"])
def test_a_header_of_anything_is_refused(tmp_path, text):
    path = tmp_path / "X.npy"
    head = text.encode().ljust(118) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + bytes(64))
    with pytest.raises(ConversionError):
        read_inputs(path)
