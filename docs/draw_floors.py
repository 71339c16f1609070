"""Draw the floors of the four packages into architecture.md, from floors.toml and the code.

python docs/draw_floors.py            write the drawing
python docs/draw_floors.py --check    say whether the drawing is that of today
"""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE / "architecture.md"
BEGIN, END = "<!-- floors: begin -->", "<!-- floors: end -->"


def idea(package: str, name: str) -> str:
    """Return the first sentence of a room's docstring."""
    place = HERE.parent.joinpath(package, *name.split("."))
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(said.split("\n\n")[0].split())


def drawing() -> str:
    """Return one table a package: a row a floor, top floor first."""
    floors = tomllib.loads((HERE / "floors.toml").read_text(encoding="utf-8"))
    lines = []
    for package in ("experiments", "bridge", "neurosim", "ann"):
        lines += [f"**{package}**", "", "| layer | folder | what it holds |", "|---|---|---|"]
        for number, floor in zip(range(len(floors[package]), 0, -1), floors[package], strict=True):
            for name in floor:
                room = name.replace(".", "/")
                room += "" if (HERE.parent / package / room).is_dir() else ".py"
                lines.append(f"| {number} | `{package}/{room}` | {idea(package, name)} |")
        lines.append("")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Write or check the drawing; return the exit status."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    new = f"{before}{BEGIN}\n\n{drawing()}\n{END}{after}"
    if "--check" in arguments:
        if new != page:
            print("docs/architecture.md is not that of the code: run python docs/draw_floors.py")
        return int(new != page)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
