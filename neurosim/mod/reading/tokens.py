"""A MOD file as words, each with its line; comments are kept where they explain a declaration."""

from __future__ import annotations

import re
from dataclasses import dataclass

from neurosim.errors import ModError

__all__ = ["LONGEST", "Token", "split_tokens"]

LONGEST = 1_000_000
"""Characters that a file may have: the longest mechanisms that were published have 60,000."""

_PATTERN = re.compile(
    r"(?P<space>[ \t\f]+)|(?P<newline>\n)"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<comment>[:?][^\n]*)"
    r"|(?P<text>\"[^\"\n]*\")"
    r"|(?P<sign><->|->|<<|<=|>=|==|!=|&&|\|\||[-+*/^=<>!(){}\[\],~'|&%.;$@#\\`])",
    re.ASCII,
)
_VERBATIM = re.compile(r"\bENDVERBATIM\b")
_ENDCOMMENT = re.compile(r"\bENDCOMMENT\b")


@dataclass(frozen=True)
class Token:
    """A word: its kind (name, number, sign, text, verbatim, title, end), text and place."""

    kind: str
    text: str
    line: int
    start: int
    end: int


def split_tokens(text: str, path: str) -> tuple[list[Token], dict[int, str]]:
    """Return the words of a file, and by line the comment that ends it.

    Raises
    ------
    ModError
        The file is too long or holds a sign that no MOD file can have.

    Examples
    --------
    >>> [token.text for token in split_tokens("m' = 2 : gate", "")[0]]
    ['m', "'", '=', '2', '']
    """
    if len(text) > LONGEST:
        raise ModError(
            path,
            1,
            "file",
            f"it has {len(text):,} characters, and at most {LONGEST:,} are read: the longest "
            "mechanisms that were published have some 60,000",
        )
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise ModError(path, line, "file", "it holds a null byte")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    tokens: list[Token] = []
    comments: dict[int, str] = {}
    at, line = 0, 1
    while at < len(text):
        found = _PATTERN.match(text, at)
        if found is None:
            if text[at].isspace():
                at += 1
                continue
            raise ModError(path, line, f"the sign {text[at]!r}", "it means nothing in NMODL")
        kind, word = str(found.lastgroup), found[0]
        begin, at = at, found.end()
        if kind == "newline":
            line += 1
        elif kind == "comment":
            comments[line] = word.strip(":? \t")
        elif kind == "name" and word in ("COMMENT", "VERBATIM"):
            closing = (_ENDCOMMENT if word == "COMMENT" else _VERBATIM).search(text, at)
            if closing is None:
                raise ModError(path, line, word, f"END{word} is missing")
            if word == "VERBATIM":
                tokens.append(Token("verbatim", text[at : closing.start()], line, begin, at))
            line += text.count("\n", at, closing.end())
            at = closing.end()
        elif kind == "name" and word == "TITLE":
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            tokens.append(Token("title", text[at:end].strip(), line, begin, end))
            at = end
        elif kind == "name" and word in ("UNITSON", "UNITSOFF"):
            continue
        elif kind != "space":
            tokens.append(Token(kind, word, line, begin, at))
    tokens.append(Token("end", "", line, at, at))
    return tokens, comments
