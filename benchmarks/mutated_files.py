"""Change files at random, and see that each reader gives a right answer or an error of ours.

Every public reader gets files that were cut, overwritten, shuffled or filled with odd words. For
each the reader must give a result or raise one of our errors, within 20 s and 1 GB. Files with a
checksum (models, checkpoints, reductions, converted networks) must in addition come back exactly
as they were written, or be refused.

    python benchmarks/mutated_files.py --mutants 2000 --seed 0

The same seed gives the same files. A file that was answered wrongly is kept, and named.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

MOST_SECONDS = 20
MOST_BYTES = 1_000_000_000
_WORDS = (
    "1e400", "-1e400", "nan", "NaN", "inf", "", " ", "-1", "0", "1e30", "9" * 5000, "1,5", "null",
    "true", "[]", "{}", '"', "[" * 20000, "x" * 3000, "\\u0000", "1e-400", "0x10", "--", "1_000",
    "-9223372036854775809", "é", ",", ";", "\\t", "\\n", "\\r", "#", "'" * 40, "[1, 2", '{"a": ',
)  # fmt: skip
_BYTES = (
    b"\0", b"\xff", b"\0" * 8, b"\xff" * 8, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\x80",
    b"\xff\xff\xff\x7f", b"\0\0\xc0\x7f", b"\0\0\0\0\0\0\xf8\x7f", b"\x01", b"\x02", b"\x7f",
)  # fmt: skip


@dataclass(frozen=True)
class Reader:
    """A reader with a file it reads: `read` gives an answer that can be compared."""

    name: str
    ending: str
    write: Callable[[Path], Any]
    read: Callable[[Path], Any]
    text: bool = False
    exact: bool = False


def changed(content: bytes, chance: random.Random, *, text: bool) -> bytes:
    """Return a file with one to four changes."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        size = max(len(content), 1)
        # Beginnings hold sizes and kinds, so that they are changed more often.
        place = (
            chance.randrange(size) if chance.random() < 0.5 else chance.randrange(min(size, 600))
        )
        other = chance.randrange(size)
        length = chance.choice((1, 2, 4, 8, 64, 512))
        way = chance.randrange(8)
        if text and way < 4:
            content = _odd_word(content, chance)
        elif way == 0:
            content = content[:place]
        elif way == 1:
            content = content[:place] + content[place + length :]
        elif way == 2:
            content = content[:place] + content[other : other + length] + content[place:]
        elif way == 3:
            piece = chance.choice(_BYTES)
            content = content[:place] + piece + content[place + len(piece) :]
        elif way == 4:
            content = content[:place] + chance.randbytes(length) + content[place + length :]
        elif way == 5 and content:
            bit = bytes([content[place] ^ 1 << chance.randrange(8)])
            content = content[:place] + bit + content[place + 1 :]
        elif way == 6:
            content = content[:place] + chance.choice(_BYTES) + content[place:]
        else:
            content = (
                content[other:] + content[:other] if chance.random() < 0.2 else content + b"\0"
            )
    return content


def _odd_word(content: bytes, chance: random.Random) -> bytes:
    """Put an odd word in the place of one."""
    words = []
    start = None
    for k, letter in enumerate(content):
        inside = letter > 32 and letter not in b',;:[]{}"'
        if inside and start is None:
            start = k
        if not inside and start is not None:
            words.append((start, k))
            start = None
    first, last = chance.choice(words) if words else (0, 0)
    return content[:first] + chance.choice(_WORDS).encode() + content[last:]


# ---------------------------------------------------------------------------------- recordings


def _cell() -> Any:
    from bridge.recordings import made_recording

    return made_recording([0, 50, 100, 150], [0, 2, 6, 11], length_s=0.64, sampling_rate_Hz=5000)


def _curve_of(path: Path) -> Any:
    from bridge.recordings import read

    return read(path).fi_curve().count.tolist()


def _write_csv(path: Path) -> None:
    import pandas as pd

    frames = [
        pd.DataFrame({"sweep": s.number, "time_s": s.time_s, "voltage_mV": s.voltage_mV.round(3),
                      "current_pA": s.current_pA})
        for s in _cell().sweeps
    ]  # fmt: skip
    pd.concat(frames).to_csv(path, index=False)


def _write_abf(path: Path) -> None:
    """Write an ABF 1 file whose epochs are the steps, one increment a sweep."""
    from pyabf.abfWriter import writeABF1

    writeABF1(np.stack([s.voltage_mV for s in _cell().sweeps]), str(path), 5000, units="mV")
    short = path.read_bytes()
    whole = bytearray(short[:2048] + bytes(8 * 512) + short[2048:])
    struct.pack_into("<i", whole, 40, 12)
    whole[1346:1354] = b"pA      "
    for form, at, *values in (
        ("<h", 2296, 1), ("<h", 2300, 1), ("<2h", 2308, 1, 1), ("<2f", 2428, 0, 50),
        ("<2i", 2508, 450, 2500),
    ):  # fmt: skip
        struct.pack_into(form, whole, at, *values)
    path.write_bytes(whole)


def _wave(name: str, values: np.ndarray, unit: str) -> bytes:
    data = values.astype("<f8").tobytes()
    wave = bytearray(320)
    struct.pack_into("<i", wave, 12, len(values))
    struct.pack_into("<h", wave, 16, 4)
    wave[28 : 28 + len(name)] = name.encode()
    struct.pack_into("<4i", wave, 68, len(values), 0, 0, 0)
    struct.pack_into("<d", wave, 84, 1 / 5000)
    wave[148 : 148 + len(unit)] = unit.encode()
    head = bytearray(64)
    struct.pack_into("<hhi", head, 0, 5, 0, 320 + len(data))
    total = int(np.frombuffer(bytes(head + wave), "<i2").sum(dtype=np.int64))
    struct.pack_into("<H", head, 2, -total & 0xFFFF)
    return bytes(head + wave) + data


def _write_ibw(path: Path) -> None:
    path.write_bytes(_wave("Vm", _cell().sweeps[3].voltage_mV, "mV"))


def _read_ibw(path: Path) -> Any:
    from bridge.recordings.formats.igor import read_wave

    # Most changes break the checksum of the header; those are made right for every second file.
    raw = bytearray(path.read_bytes())
    if len(raw) >= 384 and len(raw) % 2:
        struct.pack_into("<H", raw, 2, 0)
        total = int(np.frombuffer(bytes(raw[:384]), "<i2").sum(dtype=np.int64))
        struct.pack_into("<H", raw, 2, -total & 0xFFFF)
        path.write_bytes(raw)
    return read_wave(path).data.shape


def _write_pxp(path: Path) -> None:
    cell = _cell()
    volts = np.concatenate([s.voltage_mV for s in cell.sweeps])
    amps = np.concatenate([s.current_pA for s in cell.sweeps])
    waves = _wave("Vm", volts, "mV"), _wave("Im", amps, "pA")
    path.write_bytes(b"".join(struct.pack("<Hhi", 3, 5, len(w)) + w for w in waves))


def _write_wcp(path: Path) -> None:
    head = "VER=9\r\nRTIME=01/01/2020 00:00:00\r\nNC=2\r\nNR=4\r\nNBH=2\r\nNBA=2\r\n"
    cell, most = _cell(), 32767
    blocks = -(-len(cell.sweeps[0]) * 4 // 512)
    head += f"NBD={blocks}\r\nADCMAX={most}\r\n"
    for k, (name, unit, gain) in enumerate((("Vm", "mV", 0.05), ("Im", "pA", 0.02))):
        head += f"YN{k}={name}\r\nYU{k}={unit}\r\nYG{k}={gain}\r\nYO{k}={k}\r\n"
    content = head.encode().ljust(1024, b" ")
    for s in cell.sweeps:
        about = struct.pack("8s4sfff8f", b"ACCEPTED", b"TEST", 1, 0, 1 / 5000, *[10.0] * 8)
        columns = [s.voltage_mV * 0.05, s.current_pA * 0.02]
        data = np.round(np.stack(columns, axis=1) / 10 * most).astype("<i2").tobytes()
        content += about.ljust(1024, b"\0") + data.ljust(blocks * 512, b"\0")
    path.write_bytes(content)


def _write_nwb(path: Path) -> None:
    from datetime import UTC, datetime

    from pynwb import NWBHDF5IO, NWBFile, icephys

    content = NWBFile("made", "made", datetime(2020, 1, 1, tzinfo=UTC))
    device = content.create_device(name="amplifier")
    wire = content.create_icephys_electrode(name="cell", description="", device=device)
    for k, s in enumerate(_cell().sweeps):
        common: dict[str, Any] = {"electrode": wire, "gain": 1.0, "rate": 5000.0}
        common |= {"starting_time": 2.0 * k, "sweep_number": np.uint64(k)}
        content.add_acquisition(
            icephys.CurrentClampSeries(
                name=f"in_{k}", data=s.voltage_mV.astype("f4"), conversion=1e-3, **common
            )
        )
        content.add_stimulus(
            icephys.CurrentClampStimulusSeries(
                name=f"out_{k}", data=s.current_pA, conversion=1e-12, **common
            )
        )
    with NWBHDF5IO(str(path), "w") as out:
        out.write(content)


# -------------------------------------------------------------------------------- models, tables


def _iris() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    return X, np.array(["a", "b", "c"])[y]


def _write_model(path: Path) -> None:
    from ann import ShallowNetwork, save

    X, y = _iris()
    save(ShallowNetwork(hidden=3, max_epochs=2, random_state=0).fit(X, y), path)


def _read_model(path: Path) -> Any:
    from ann import load

    model = load(path)
    return model.predict_proba(_iris()[0]).tobytes(), model.classes_.tolist()


def _trainer() -> Any:
    from ann import Network
    from ann.network.losses import Quadratic
    from ann.plan.optimisers import OPTIMISERS
    from ann.plan.plan import Plan
    from ann.training.hooks import KeepBest
    from ann.training.trainer import Trainer

    rng = np.random.default_rng(0)
    network = Network([4, 5, 3], ["sigmoid", "identity"], batch_norm=True, rng=rng)
    return Trainer(Plan(network, Quadratic(), OPTIMISERS["adam"](), rng=rng), hooks=[KeepBest()])


def _write_checkpoint(path: Path) -> None:
    from ann.files.checkpoints import save_checkpoint

    trainer = _trainer()
    save_checkpoint(path, trainer.fit(_iris()[0], np.eye(3)[np.arange(150) % 3], epochs=2))


def _read_checkpoint(path: Path) -> Any:
    from ann.files.checkpoints import load_checkpoint

    trainer = _trainer()
    load_checkpoint(path, trainer)
    return trainer.network.parameters.tobytes(), trainer.epoch, trainer.rng.random()


def _write_reduction(path: Path) -> None:
    from bridge.reduce import FilterBank
    from bridge.reduce.architectures import Layout
    from bridge.reduce.files import save_network
    from bridge.reduce.filtered_events import DECAYS_MS, Scale
    from bridge.reduce.reduced_network import ReducedNetwork

    layout = Layout(np.repeat([0, 1, 2], 4), np.arange(12) % 4 > 0, len(DECAYS_MS))
    one = np.ones((len(DECAYS_MS), 12), dtype=np.float32)
    model = FilterBank(2)
    start = model.start(layout, -5.0, np.random.default_rng(0))
    save_network(ReducedNetwork(model, layout, Scale(one, one, -64.0, 3.0), start), path)


def _read_reduction(path: Path) -> Any:
    from bridge.reduce.files import load_reduction

    found = load_reduction(path)
    return b"".join(p.tobytes() for p in found.parameters), found.model, found.scale.mean.tobytes()


def _table(rows: int = 60) -> str:
    chance = random.Random(0)
    lines = ["height;weight;city;joined;will"]
    for k in range(rows):
        height = 150 + chance.randrange(40)
        lines.append(
            f"{height} cm;{height - 90},5;{'Ulm' if k % 3 else 'Bern'};2020-0{1 + k % 9}-11;"
            f"{'yes' if height > 170 else 'no'}"
        )
    return "\n".join(lines) + "\n"


def _write_table(path: Path) -> None:
    path.write_text(_table())


def _read_table(path: Path) -> Any:
    from ann.data import clean, profile, propose, read_table

    frame = read_table(path).frame
    return len(profile(frame).columns), clean(frame, propose(frame)).frame.shape


def _write_rules(path: Path) -> None:
    from ann.data import propose, read_table

    table = path.with_name("table.csv")
    table.write_text(_table())
    propose(read_table(table).frame).save(path)


def _read_rules(path: Path) -> Any:
    import io

    import pandas as pd

    from ann.data import Rules, clean

    rules = Rules.load(path)
    frame = pd.read_csv(io.StringIO(_table()), sep=";", dtype=str)
    return clean(frame, rules).frame.shape


def _write_counts(path: Path) -> None:
    from bridge import FICurve

    FICurve([0, 50, 100, 150], [0, 4, 9, 12], 0.5).to_csv(path)


def _read_counts(path: Path) -> Any:
    from bridge import FICurve

    curve = FICurve.from_csv(path)
    assert (curve.count >= 0).all()
    return curve.count.tolist()


def _write_inputs(path: Path) -> None:
    X, y = _iris()
    np.savez_compressed(path, X=X, y=y)


def _read_inputs(path: Path) -> Any:
    from experiments.tables.array_inputs import check_width, read_inputs

    return check_width(read_inputs(path)[0], 4, path).shape


def _write_swc(path: Path) -> None:
    lines = ["# made", "1 1 0 0 0 8 -1", "2 1 0 8 0 8 1", "3 1 0 -8 0 8 1"]
    for k in range(4, 60):
        parent = 1 if k % 14 == 4 else k - 1
        lines.append(
            f"{k} {3 + (k % 28 > 13)} {k % 7} {k * 4} {k % 5} {1.5 - k / 100:.2f} {parent}"
        )
    path.write_text("\n".join(lines) + "\n")


def _read_swc(path: Path) -> Any:
    from neurosim.morphology import read_swc

    return float(read_swc(path).total_length)


def _write_nir(path: Path) -> None:
    from ann import Network
    from bridge.conversion.convert import convert
    from bridge.nir.nir_files import write_nir

    trained = Network([4, 6, 3], ["relu", "identity"], rng=0, dtype=np.float64)
    X = np.random.default_rng(0).normal(size=(40, 4))
    write_nir(convert(trained, X), path, drop=("noise", "refractory"))


def _read_nir(path: Path) -> Any:
    from bridge.nir.nir_files import read_nir

    found = read_nir(path)
    whole = found.network
    return found.input_weights_pA.tobytes(), None if whole is None else whole.layers[
        0
    ].holding_pA.tobytes()


READERS = (
    Reader("recording, ABF", ".abf", _write_abf, _curve_of),
    Reader("recording, NWB", ".nwb", _write_nwb, _curve_of),
    Reader("recording, text", ".csv", _write_csv, _curve_of, text=True),
    Reader("recording, WinWCP", ".wcp", _write_wcp, _curve_of),
    Reader("recording, Igor wave", ".ibw", _write_ibw, _read_ibw),
    Reader("recording, Igor experiment", ".pxp", _write_pxp, _curve_of),
    Reader("model", ".safetensors", _write_model, _read_model, exact=True),
    Reader("checkpoint", ".safetensors", _write_checkpoint, _read_checkpoint, exact=True),
    Reader("reduction", ".safetensors", _write_reduction, _read_reduction, exact=True),
    Reader("converted network, NIR", ".nir", _write_nir, _read_nir, exact=True),
    Reader("table, profiled", ".csv", _write_table, _read_table, text=True),
    Reader("rules of a table", ".json", _write_rules, _read_rules, text=True),
    Reader("table of counts", ".csv", _write_counts, _read_counts, text=True),
    Reader("inputs, NPZ", ".npz", _write_inputs, _read_inputs),
    Reader("morphology, SWC", ".swc", _write_swc, _read_swc, text=True),
)


@contextlib.contextmanager
def _bounds() -> Iterator[None]:
    """Raise TimeoutError after the seconds, and MemoryError beyond the bytes, that are allowed."""

    def late(*_: Any) -> None:
        raise TimeoutError(f"more than {MOST_SECONDS} s")

    pages = (
        int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self").exists() else 0
    )
    old = resource.getrlimit(resource.RLIMIT_AS)
    if pages:
        resource.setrlimit(
            resource.RLIMIT_AS, (pages * resource.getpagesize() + MOST_BYTES, old[1])
        )
    signal.signal(signal.SIGALRM, late)
    # Of processor time, so that a busy machine does not decide.
    signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, old)


def judge(reader: Reader, path: Path, right: Any) -> str:
    """Return ``"same"``, ``"other"`` or ``"refused"``, or what was wrong."""
    from ann.errors import AnnError
    from neurosim.errors import NeurosimError

    try:
        with _bounds(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = reader.read(path)
    except (NeurosimError, AnnError):
        return "refused"
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)
        ours = [
            f"{Path(f.filename).name}:{f.lineno}"
            for f in where
            if "site-packages" not in f.filename
        ]
        return f"{type(error).__name__}: {str(error)[:120]} (at {', '.join(ours[-3:])})"
    if answer == right:
        return "same"
    return f"a silent change: {str(answer)[:80]}" if reader.exact else "other"


def main() -> int:
    """Change files, and print how each reader answered; the status says if anything was wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mutants", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--readers", nargs="+", help="parts of their names")
    parser.add_argument("--keep", type=Path, help="folder for files that were answered wrongly")
    chosen = parser.parse_args()
    readers = [r for r in READERS if not chosen.readers or any(p in r.name for p in chosen.readers)]
    faults = 0
    print(f"{'reader':28}{'refused':>9}{'same':>7}{'other':>7}{'wrong':>7}{'slowest':>9}")
    with tempfile.TemporaryDirectory() as name:
        for number, reader in enumerate(readers):
            many = len(range(number, chosen.mutants, len(readers)))
            faults += _try(reader, many, chosen.seed, Path(name), chosen.keep)
    print(f"{chosen.mutants} files, {faults} answered wrongly")
    return 1 if faults else 0


def _try(reader: Reader, many: int, seed: int, folder: Path, keep: Path | None) -> int:
    chance = random.Random(f"{seed} {reader.name}")
    place = folder / reader.name
    place.mkdir()
    path = place / f"file{reader.ending}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader.write(path)
        whole = path.read_bytes()
        right = reader.read(path)
    found: dict[str, int] = {"refused": 0, "same": 0, "other": 0}
    wrong, slowest = 0, 0.0
    for k in range(many):
        path.write_bytes(changed(whole, chance, text=reader.text))
        began = time.process_time()
        said = judge(reader, path, right)
        slowest = max(slowest, time.process_time() - began)
        if said in found:
            found[said] += 1
            continue
        wrong += 1
        print(f"  {reader.name}, file {k}: {said}", flush=True)
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, keep / f"{reader.name} {k}{reader.ending}")
    print(f"{reader.name:28}{found['refused']:9}{found['same']:7}{found['other']:7}{wrong:7}"
          f"{slowest:8.1f}s", flush=True)  # fmt: skip
    shutil.rmtree(place)
    return wrong


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "Agg")
    sys.exit(main())
