"""Text of an expression to tokens: the first of its three passes."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from penstock.domain.expressions.failures import ExpressionInvalid, shorten
from penstock.domain.expressions.limits import INTEGER, SOURCE_LENGTH


class Token(NamedTuple):
    """``kind`` is the operator in its one spelling, or name, number, string, literal, end."""

    kind: str
    text: str
    value: object
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def is_word(self) -> bool:
        return self.text[:1].isalpha() or self.text[:1] == "_"


_SHAPE: Final = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
      | (?P<word>[^\W\d]\w*)
      | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<foreign><>|=<|=>|\*\*|//|\?\?|\+\+|--(?=\s*$)|\+=|-=|:=)
      | (?P<operator>===|!==|==|!=|<=|>=|&&|\|\||\?\.|[<>!+\-*/%()\[\]{},:?.])""",
    re.VERBOSE | re.DOTALL,
)
_SPELLINGS: Final = {"===": "==", "!==": "!="}
_WORDS: Final = {"and": "&&", "or": "||", "not": "not", "in": "in"}
_LITERALS: Final[dict[str, object]] = {
    "true": True, "false": False, "null": None, "True": True, "False": False, "None": None,
}  # fmt: skip
_FOREIGN: Final = {
    "=": "to compare, write `==`",
    "<>": "write `!=`",
    "=<": "write `<=`",
    "=>": "write `>=`",
    "**": "there is no power operator",
    "//": "write `floor(a / b)`",
    "??": "write `default(a, b)`",
    "++": "write `+ 1`",
    "--": "write `- 1`",
    "+=": "an expression changes nothing",
    "-=": "an expression changes nothing",
    ":=": "an expression changes nothing",
    "&": "write `&&` or `AND`",
    "|": "write `||` or `OR`",
    "^": "there is no power operator",
    "~": "write `!` or `NOT`",
    ";": "one expression stands alone",
    "$": "write the name without `$`",
    "@": "write the name without `@`",
    "#": "there are no comments in an expression",
    "`": "write strings in 'single' or \"double\" quotes",
    "‘": "use straight quotes: 'text'",
    "’": "use straight quotes: 'text'",
    "“": 'use straight quotes: "text"',
    "”": 'use straight quotes: "text"',
    "≥": "write `>=`",
    "≤": "write `<=`",
    "≠": "write `!=`",
    "–": "write the minus sign as `-`",
    "−": "write the minus sign as `-`",
    "\u00a0": "write an ordinary space",
}
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES: Final = {
    "n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\\": "\\", "/": "/", "'": "'", '"': '"',
}  # fmt: skip


def tokenize(source: str) -> list[Token]:
    """
    The tokens of ``source``, closed by an ``end`` token.

    Raises:
        ExpressionInvalid: it is too long, or something in it belongs to no token.

    """
    _check_text(source)
    tokens: list[Token] = []
    at = 0
    while at < len(source):
        match = _SHAPE.match(source, at)
        if match is None or match.lastgroup == "foreign":
            raise _refusal(source, at, match.group() if match else source[at])
        if match.lastgroup != "space":
            tokens.append(_token(source, str(match.lastgroup), match.group(), at))
        at = match.end()
    tokens.append(Token("end", "", None, len(source)))
    return tokens


def _check_text(source: str) -> None:
    if len(source) > SOURCE_LENGTH:
        raise ExpressionInvalid(
            f"expected at most {SOURCE_LENGTH:,} characters, but the expression has {len(source):,}",
            shorten(source),
            SOURCE_LENGTH + 1,
            "compute part of it in a step of its own",
        )
    if not source.strip():
        raise ExpressionInvalid("expected an expression, but it is empty", source, 1)
    for at, character in enumerate(source):
        if character == "\0" or "\ud800" <= character <= "\udfff":
            raise ExpressionInvalid("expected text, but it holds a NUL or half a character", repr(source), at + 1)


def _token(source: str, group: str, text: str, at: int) -> Token:
    match group:
        case "number":
            return Token("number", text, _number(source, text, at), at)
        case "string":
            return Token("string", text, _string(source, text, at), at)
        case "word" if text in _LITERALS:
            return Token("literal", text, _LITERALS[text], at)
        case "word":
            return Token(_WORDS.get(text.lower(), "name"), text, text, at)
        case _:
            return Token(_SPELLINGS.get(text, text), text, None, at)


def _number(source: str, text: str, at: int) -> int | float:
    following = source[at + len(text) : at + len(text) + 1]
    if following.isalnum() or following == "_":
        word = re.match(r"\w+", source[at:])
        shown = word.group() if word else text
        advice = (
            "write numbers without separators: 1000"
            if "_" in shown
            else f"a duration is a string: '{shorten(shown, 20)}'"
        )
        raise ExpressionInvalid(f"expected a number, but found `{shorten(shown)}`", source, at + 1, advice)
    if len(text) > 1 and text[0] == "0" and text[1].isdigit():
        raise ExpressionInvalid(
            f"expected a number, but `{shorten(text)}` begins with 0",
            source,
            at + 1,
            "write numbers without leading zeros and without thousands separators: 1000, not 1,000",
        )
    value = float(text) if any(mark in text for mark in ".eE") or len(text) > 17 else int(text)
    if value - value != 0 or (abs(value) > INTEGER and not any(mark in text for mark in ".eE")):
        raise ExpressionInvalid(
            f"expected a number that JSON can carry, but `{shorten(text)}` is too large",
            source,
            at + 1,
            "integers reach from -2^53 to 2^53",
        )
    return value


def _string(source: str, text: str, at: int) -> str:
    if "\\" not in text:
        return text[1:-1]

    def unescape(match: re.Match[str]) -> str:
        code = match.group(1)
        if len(code) == 5:
            return chr(int(code[1:], 16))
        if code not in _ESCAPES:
            raise ExpressionInvalid(
                f"expected an escape that is known, but found `\\{code}`",
                source,
                at + 2 + match.start(),
                "write a backslash as `\\\\`; known are \\n \\t \\r \\b \\f \\\\ \\/ \\' \\\" and \\u0041",
            )
        return _ESCAPES[code]

    try:
        # pairs of surrogates become the one character that they mean, as in JSON; half of one is refused
        value = _ESCAPE.sub(unescape, text[1:-1]).encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        value = "\0"
    if "\0" in value:
        raise ExpressionInvalid("expected text, but the string holds a NUL or half a character", source, at + 1)
    return value


def _refusal(source: str, at: int, found: str, advice: str = "") -> ExpressionInvalid:
    if found in "'\"":
        return ExpressionInvalid(
            "expected the string to end, but its closing quote is missing", source, at + 1, f"close it with {found}"
        )
    return ExpressionInvalid(
        f"expected an operator or a value, but found `{found}`", source, at + 1, advice or _FOREIGN.get(found, "")
    )
