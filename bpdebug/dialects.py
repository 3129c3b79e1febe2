"""What some languages write around numbers, put as the others do; each sign stays in its place, so that messages name it."""

from __future__ import annotations

import re

_SHAPES = re.compile(
    r"(?:\.?\b(?i:shape|size|dims?)[ \t]{0,9}[:=]?[ \t]{0,9}(?:torch\.Size)?|\btorch\.Size)"
    r"\(?\[?[ \t]{0,9}\d{1,9}(?:[ \t]{0,9}[,x×][ \t]{0,9}\d{1,9}){0,9},?[ \t]{0,9}\]?\)?(?=[ \t:,]{0,9}$)"
    r"|,[ \t]{0,9}shape=\[[^\]\n]{0,80}\],[ \t]{0,9}strides=[^\n]{0,120}$"
    r"|\b\d{1,9}(?:[×x]\d{1,9}){0,9}(?:-element)?[ \t]{1,9}[A-Z]\w{0,40}(?:\{[^\n]{0,80}\})?:?(?=[ \t]{0,20}$)",
    re.MULTILINE,
)
"""What is said of a shape at the end of a line, as Julia does before it prints a matrix, and Rust behind it."""
_KEYS = re.compile(
    r"(?:\[\d{1,6}\]|(?<![\w.'\"\]])\d{1,6})[ \t]{0,9}=>"  # PHP's lists tell each place
    r"|\b[Aa]rray[ \t]{0,9}(?:\(\d{1,9}\)\s{0,9}(?=\{)|\s{0,9}(?=\())"
    r"|\$VAR\d{1,3}[ \t]{1,9}=[ \t]{1,9}(?=\{)"  # Data::Dumper of Perl
)
_NAMED = re.compile(r"\[(\w{1,80})\](?=[ \t]{0,9}=>)")
_QUOTED = re.compile(r"(['\"])([-+]?(?:\d{1,30}\.?\d{0,30}|\.\d{1,30})(?:[eE][-+]?\d{1,4})?)\1(?![ \t]{0,9}(?:=|:))")
_ROWS = re.compile(r"\(\d{1,9}><\d{1,9}\)(\s{0,9}\[[^\]]*\])")  # hmatrix of Haskell
_COMMA = re.compile(r"(?<![\d,.])(\d{1,15}),(\d{1,20})(?![\d.]|,\d)")


def plain(text: str) -> str:
    """The text as most languages would have it: keys of lists, quotes round numbers, bars in brackets and decimal commas are gone."""
    text = _SHAPES.sub(_blank, text)
    if "=>" in text:
        text = _NAMED.sub(r" \1 ", _KEYS.sub(_blank, text))
    text = _QUOTED.sub(r" \2 ", text)
    if "><" in text:
        text = _ROWS.sub(lambda found: _blank(found)[: -len(found[1])] + re.sub(r"(?<=\n)([ \t]{0,99}),", r"\1;", found[1]), text)
    if "[|" in text:  # OCaml and F#
        text = text.replace("[|", "[ ").replace("|]", " ]").replace(";", ",")
    fractions = [found[2] for found in _COMMA.finditer(text)]
    if fractions and not re.search(r"\d\.\d", text) and 2 * sum(len(one) > 2 for one in fractions) > len(fractions):
        text = _COMMA.sub(r"\1.\2", text)
        text = text.replace(";", ",") if re.search(r"[\[{]\s{0,9}[\[{]", text) else text
    return text


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])
