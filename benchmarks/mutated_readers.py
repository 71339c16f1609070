"""The readers that `mutated_files.py` tries, each with a file that it reads."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "bridge"))

from recording_files import (
    Channel,
    Command,
    igor_experiment,
    igor_wave,
    with_igor_checksum,
    write_abf,
    write_atf,
    write_wcp,
)
from recording_programs import Trace, in_one, write_axgx, write_edr, write_rhd, write_smr

__all__ = ["READERS", "Reader"]


@dataclass(frozen=True)
class Reader:
    """A reader with a file it reads: `read` gives an answer that can be compared."""

    name: str
    ending: str
    write: Callable[[Path], Any]
    read: Callable[[Path], Any]
    text: bool = False
    exact: bool = False


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
    sweeps = _cell().sweeps
    volts = np.stack([s.voltage_mV for s in sweeps])
    amps = np.stack([s.current_pA for s in sweeps])
    channels = [Channel("Vm", "mV", volts), Channel("Im", "pA", amps)]
    write_abf(path, channels, [Command("pA", (0, 0), (0, 50), (450, 2500))])


def _write_atf(path: Path) -> None:
    write_atf(path, _cell(), [("Vm", "mV", "voltage_mV"), ("Im", "pA", "current_pA")])


def _write_ibw(path: Path) -> None:
    path.write_bytes(igor_wave("Vm", _cell().sweeps[3].voltage_mV, "mV"))


def _read_ibw(path: Path) -> Any:
    from bridge.recordings.formats.igor import read_wave

    # Most changes break the checksum of the header; those are made right for every second file.
    raw = path.read_bytes()
    if len(raw) >= 384 and len(raw) % 2:
        path.write_bytes(with_igor_checksum(raw))
    return read_wave(path).data.shape


def _write_pxp(path: Path) -> None:
    waves = [
        igor_wave(f"{name}_{k}", values, unit)
        for k, s in enumerate(_cell().sweeps)
        for name, values, unit in (("Vm", s.voltage_mV, "mV"), ("Im", s.current_pA, "pA"))
    ]
    path.write_bytes(igor_experiment(*waves))


def _long(volt: float = 1.0, ampere: float = 1.0, units: tuple[str, str] = ("mV", "pA")) -> Any:
    """Potential and current in one sweep, divided by what a unit is (mV, pA)."""
    volts, amps = in_one(_cell())
    return Trace("Vm", units[0], volts / volt), Trace("Im", units[1], amps / ampere)


def _write_edr(path: Path) -> None:
    write_edr(path, _long(), 5000)


def _write_smr(path: Path) -> None:
    write_smr(path, _long(), 5000)


def _write_axgx(path: Path) -> None:
    write_axgx(path, _long(1e3, 1e12, ("V", "A")), 5000)


def _write_rhd(path: Path) -> None:
    write_rhd(path, _long(100, 400, ("V", "V")), 5000)


def _read_rhd(path: Path) -> Any:
    from bridge.recordings import read

    said = {"voltage": "Vm", "voltage_unit": "0.1V", "current": "Im", "current_unit": "400pA"}
    return read(path, **said).fi_curve().count.tolist()


def _write_wcp(path: Path) -> None:
    write_wcp(path, _cell())


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
    Reader("recording, ATF", ".atf", _write_atf, _curve_of, text=True),
    Reader("recording, NWB", ".nwb", _write_nwb, _curve_of),
    Reader("recording, text", ".csv", _write_csv, _curve_of, text=True),
    Reader("recording, WinWCP", ".wcp", _write_wcp, _curve_of),
    Reader("recording, WinEDR", ".edr", _write_edr, _curve_of),
    Reader("recording, Spike2", ".smr", _write_smr, _curve_of),
    Reader("recording, AxoGraph", ".axgx", _write_axgx, _curve_of),
    Reader("recording, Intan", ".rhd", _write_rhd, _read_rhd),
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
