"""C++ that both engines share, put together from its files."""

from __future__ import annotations

from pathlib import Path

from neurosim.randomness import cpp_source

__all__ = ["shared_source"]


def shared_source() -> str:
    """Return what reads a run's files and waveforms and draws its random numbers, in C++."""
    here = Path(__file__).parent
    files, waveforms = ((here / name).read_text() for name in ("files.h", "waveforms.h"))
    return f"{files}{waveforms}namespace neurosim {{{cpp_source()}}}  // namespace neurosim\n"
