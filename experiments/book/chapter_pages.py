"""Chapters: the values that their prose shows, and each chapter as a notebook.

In a chapter, ``{eval}`` with an expression in backticks stands for the value that the expression
has at that place. myst-nb knows this role only where nothing is kept between builds. Therefore
each one becomes a hidden cell that keeps the value, and a role that shows it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from neurosim.atomic_write import make_folder, write_text

__all__ = ["cells_of", "chapters_of", "modules_of", "with_values", "write_notebook"]

_CHAPTER = re.compile(r"\d-")
_EVAL = re.compile(r"\{eval\}`([^`]+)`")
_CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_GLUED = re.compile(r"\{glue:text\}`([^`]+)`")
_FENCE = re.compile(r"^(`{3,}|:{3,}|~{3,})(.*)$")
_CODE = ("{code-cell}", "{math}", "{literalinclude}")
_HEADS = {
    "math": "$$",
    "exercise": "**Exercise: {}**",
    "solution": "**Solution**",
    "solution-start": "**Solution**",
    "solution-end": "",
    "exercise-end": "",
}
_KEEP = "from myst_nb import glue as _glue\n"
_EQUATION = re.compile(r"^```\{math\}\n:label: (\S+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_REFERRED = re.compile(r"\{eq\}`([^`]+)`")
_ELSEWHERE = re.compile(r"\[([^\]]+)\]\(\.\./[^)]*\)")


def chapters_of(folder: Path) -> list[Path]:
    """Return the chapters in a folder, in their order; their names begin with their number."""
    return sorted(file for file in folder.glob("*.md") if _CHAPTER.match(file.stem))


def cells_of(page: Path) -> Iterator[str]:
    """Give the code of each cell of a chapter, without its options and magic commands."""
    for cell in _CELL.findall(page.read_text(encoding="utf-8")):
        lines = cell.splitlines()
        if lines and lines[0] == "---":
            # Options of the cell, in YAML, up to a second line of this kind.
            lines = lines[lines.index("---", 1) + 1 :]
        yield "\n".join(line for line in lines if not line.startswith((":", "%", "!")))


def modules_of(chapters: Iterable[Path]) -> set[str]:
    """Return the modules that the cells of chapters import."""
    found = set()
    for cell in (cell for page in chapters for cell in cells_of(page)):
        for node in ast.walk(ast.parse(cell)):
            if isinstance(node, ast.Import):
                found |= {one.name for one in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    return found


def with_values(page: str, name: str) -> str:
    r"""Return a chapter in which each ``{eval}`` is a value that a hidden cell keeps.

    Parameters
    ----------
    page : str
        The chapter, in MyST Markdown.
    name : str
        Of the chapter; part of the keys.

    Examples
    --------
    >>> print(with_values("It is {eval}`round(x)`.\n", "1-x"))
    ```{code-cell} ipython3
    :tags: [remove-cell]
    from myst_nb import glue as _glue
    _glue('1-x-0', round(x), display=False)
    ```
    <BLANKLINE>
    It is {glue:text}`1-x-0`.
    <BLANKLINE>
    """
    numbers = count()
    done = []
    for block, is_code in _blocks(page.split("\n")):
        text = "\n".join(block)
        if is_code or "{eval}" not in text:
            done.append(text)
            continue
        keys = {f"{name}-{next(numbers)}": found[1] for found in _EVAL.finditer(text)}
        kept = "\n".join(f"_glue({key!r}, {code}, display=False)" for key, code in keys.items())
        for key in keys:
            text = _EVAL.sub(f"{{glue:text}}`{key}`", text, count=1)
        head = "```{code-cell} ipython3\n:tags: [remove-cell]\n"
        done.append(f"{head}{_KEEP}{kept}\n```\n\n{text}")
    text = "\n".join(done)
    return _with_link(text, name) if _CHAPTER.match(name) else text


def _with_link(page: str, name: str) -> str:
    """Put a link to the notebook below the title, if the page has one."""
    link = (
        f'<a class="notebook" href="{name}.ipynb" download>Download this chapter as a notebook</a>'
    )
    return re.sub(r"^# .*$", lambda title: f"{title[0]}\n\n{link}", page, count=1, flags=re.M)


def _blocks(lines: list[str]) -> Iterator[tuple[list[str], bool]]:
    """Give the paragraphs and outermost fences of a page, and whether each is code."""
    block: list[str] = []
    fence, is_code = "", False
    for number, line in enumerate(lines):
        found = _FENCE.match(line)
        if fence:
            block.append(line)
            if found and found[1].startswith(fence) and not found[2].strip():
                yield block, is_code
                block, fence = [], ""
        elif found:
            if block:
                yield block, False
            block, fence = [line], found[1]
            info = found[2].strip()
            is_code = not info.startswith("{") or info.startswith(_CODE)
        elif line == "---" and not number:
            # The front matter ends at a line of its own kind.
            block, fence, is_code = [line], "---", True
        elif not line.strip() and block:
            yield [*block, line], False
            block = []
        else:
            block.append(line)
        if fence == "---" and number and line == "---":
            yield block, True
            block, fence = [], ""
    if block:
        yield block, is_code and bool(fence)


def write_notebook(page: Path, executed: Path, place: Path) -> None:
    """Write a chapter as a notebook that runs by itself.

    Parameters
    ----------
    page : Path
        The chapter as it was laid out by `with_values`.
    executed : Path
        Folder of executed chapters, from which the values in the prose are read.
    place : Path
        The file to be written.
    """
    import nbformat.v4
    from jupyter_cache import get_cache
    from myst_nb.core.read import read_myst_markdown_notebook
    from myst_parser.config.main import MdParserConfig

    text = page.read_text(encoding="utf-8")
    notebook = read_myst_markdown_notebook(text, MdParserConfig())
    _, merged = get_cache(str(executed)).merge_match_into_notebook(notebook)
    values = _values(merged)
    labels = _EQUATION.findall(text)
    equations = {label: f"{page.stem[0]}.{k}" for k, (label, _) in enumerate(labels, start=1)}
    # Its functions have no types.
    v4: Any = nbformat.v4
    clean = v4.new_notebook(metadata={"kernelspec": merged.metadata["kernelspec"]})
    for cell in merged.cells:
        if cell.cell_type == "code" and not cell.source.startswith(_KEEP):
            clean.cells.append(v4.new_code_cell(cell.source))
        elif cell.cell_type == "markdown":
            said = _GLUED.sub(lambda found: values.get(found[1], found[0]), cell.source)
            said = _without_directives(_without_roles(said, equations))
            clean.cells.append(v4.new_markdown_cell(said))
    # Cells have no names of their own, so that the same chapter gives the same file.
    for number, cell in enumerate(clean.cells):
        cell["id"] = f"cell-{number}"
    make_folder(place.parent)
    write_text(place, v4.writes(clean))


def _values(notebook: Any) -> dict[str, str]:
    """Return what the cells of an executed chapter kept, by key, as text."""
    values = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            key = output.get("metadata", {}).get("scrapbook", {}).get("name")
            if key:
                text = next((v for k, v in output["data"].items() if k.endswith("text/plain")), "")
                # A text is kept with its quotes.
                values[key] = str(ast.literal_eval(text)) if text[:1] in ("'", '"') else text
    return values


def _without_roles(text: str, equations: Mapping[str, str]) -> str:
    """Return prose with numbers for equations, and without links to pages that are not there."""

    def numbered(found: re.Match[str]) -> str:
        return f"```{{math}}\n{found[2]}\\tag{{{equations[found[1]]}}}\n```"

    text = _EQUATION.sub(numbered, text)
    text = _REFERRED.sub(lambda found: f"({equations.get(found[1], found[1])})", text)
    return _ELSEWHERE.sub(r"\1", text)


def _without_directives(text: str) -> str:
    """Return the prose of a chapter as any notebook shows it: headings in place of directives."""
    done = []
    open_fences: list[str] = []
    for line in text.split("\n"):
        found = _FENCE.match(line)
        info = re.match(r"\{([\w-]+)\}\s*(.*)", found[2].strip()) if found else None
        if found and info:
            open_fences.append(info[1])
            done.append(_HEADS.get(info[1], "**{}**").format(info[2]))
        elif found and found[2].strip():
            open_fences.append("")
            done.append(line)
        elif found and open_fences:
            ended = open_fences.pop()
            done.append({"math": "$$", "": line}.get(ended, ""))
        elif open_fences and re.match(r"^:[\w-]+:", line):
            continue
        elif not line.startswith('<a class="notebook"'):
            done.append(line)
    return "\n".join(done)
