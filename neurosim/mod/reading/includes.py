"""INCLUDE: the text of another file, opened only where a user names the folder it is in."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from neurosim.errors import ModError
from neurosim.mod.reading.tokens import LONGEST, Token, split_tokens

__all__ = ["put_in_place", "read_text"]

_DEEPEST = 5


def read_text(place: Path, named: str, line: int = 1) -> str:
    """Return the text of a file, which may be of any length up to what is read.

    Raises
    ------
    ModError
        It cannot be read; the error names the file ``named`` and the line.
    """
    try:
        with place.open("rb") as file:
            # Four bytes a sign at most.
            raw = file.read(4 * LONGEST + 1)
    except OSError as error:
        why = f"{place} cannot be read" if str(place) != named else "it cannot be read"
        raise ModError(named, line, "file", f"{why} ({error.strerror})") from None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def put_in_place(
    tokens: list[Token], path: str, folder: Path | None, depth: int = 0
) -> list[Token]:
    """Return the words of a file with those of the files that it includes.

    Parameters
    ----------
    tokens : list of Token
        Words of the file.
    path : str
        Named in errors.
    folder : Path or None
        Where included files are; None opens none. A name that is a path is refused, and so is a
        link, so that nothing outside the folder is read.
    depth : int, optional
        How many files include one another so far.
    """
    found: list[Token] = []
    waiting = iter(enumerate(tokens))
    total = 0
    for k, token in waiting:
        if token.kind != "name" or token.text != "INCLUDE":
            found.append(token)
            continue
        following = tokens[min(k + 1, len(tokens) - 1)]
        name = following.text.strip('"') if following.kind == "text" else ""
        inside = _included(name, token.line, path, folder, depth)
        total += len(inside)
        if total > LONGEST:
            raise ModError(path, token.line, "INCLUDE", "what it includes is too long")
        found += inside
        next(waiting, None)
    return found


def _included(name: str, line: int, path: str, folder: Path | None, depth: int) -> list[Token]:
    if folder is None:
        why = (
            "no other file is opened; put its text in its place, or say where it is: "
            "include=FOLDER, --include FOLDER"
        )
        raise ModError(path, line, "INCLUDE", why)
    if not re.fullmatch(r"[A-Za-z0-9_][\w.-]*", name, re.ASCII):
        raise ModError(path, line, "INCLUDE", f"{name!r} is no plain name of a file in {folder}")
    if depth >= _DEEPEST:
        raise ModError(path, line, "INCLUDE", f"more than {_DEEPEST} files include one another")
    place = folder / name
    if place.is_symlink() or not place.is_file():
        raise ModError(path, line, "INCLUDE", f"{folder} holds no file {name}")
    tokens, _ = split_tokens(read_text(place, path, line), str(place))
    # From here on errors name the line that includes them.
    tokens = [replace(one, line=line) for one in tokens[:-1]]
    return put_in_place(tokens, path, folder, depth + 1)
