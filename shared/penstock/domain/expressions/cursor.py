"""The parser's place among the tokens, and how it says what it expected there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from penstock.domain.expressions.failures import ExpressionInvalid, shorten
from penstock.domain.expressions.foreign import FOREIGN_OPERATORS
from penstock.domain.expressions.limits import NESTING
from penstock.domain.expressions.tokens import Token, tokenize

_Item = TypeVar("_Item")


class Cursor:
    """Where the parser stands in one text, and how deep."""

    __slots__ = ("_at", "_depth", "_tokens", "source", "token")

    def __init__(self, source: str) -> None:
        self.source = source
        self._tokens = tokenize(source)
        self._at = 0
        self._depth = 0
        self.token = self._tokens[0]

    @property
    def end(self) -> int:
        """Where the token before this one ended."""
        return self._tokens[self._at - 1].end if self._at else 0

    def peek(self, ahead: int = 1) -> Token:
        return self._tokens[min(self._at + ahead, len(self._tokens) - 1)]

    def next(self) -> Token:
        """Move past a token, and return it."""
        token = self.token
        self._at = min(self._at + 1, len(self._tokens) - 1)
        self.token = self._tokens[self._at]
        return token

    def take(self, kind: str) -> bool:
        """Whether the token is of this ``kind``; if so, move past it."""
        if self.token.kind != kind:
            return False
        self.next()
        return True

    def expect(self, kind: str, where: str) -> None:
        if not self.take(kind):
            raise self.refusal(f"expected `{kind}` {where}")

    def expect_end(self) -> None:
        if self.token.kind != "end":
            raise self.refusal("expected an operator or the end")

    def until(self, closing: str, item: Callable[[], _Item]) -> tuple[_Item, ...]:
        """Items divided by commas, up to ``closing``; a comma may stand after the last one."""
        items: list[_Item] = []
        while not self.take(closing):
            items.append(item())
            if not self.take(","):
                self.expect(closing, "or `,` here")
                break
        return tuple(items)

    @contextmanager
    def nested(self) -> Iterator[None]:
        """One level deeper, as long as there is one."""
        if self._depth == NESTING:
            raise self.refusal(
                f"expected at most {NESTING} levels of nesting, but there are more",
                advice="split it in two expressions",
                found=False,
            )
        self._depth += 1
        yield
        self._depth -= 1

    def refusal(
        self, message: str, *, advice: str = "", found: bool = True, at: int | None = None
    ) -> ExpressionInvalid:
        """Why the text is refused at this token, or at ``at``."""
        if found:
            message = f"{message}, but {self._found()}"
        start = self.token.start if at is None else at
        return ExpressionInvalid(message, self.source, start + 1, advice or self._advice())

    def _found(self) -> str:
        return "it ends here" if self.token.kind == "end" else f"found `{shorten(self.token.text)}`"

    def _advice(self) -> str:
        token, before = self.token, self._tokens[max(self._at - 1, 0)]
        if token.kind in ("&&", "||") and token.is_word:
            return "a name that is an operator's word is reached as in context['and']"
        if token.kind == "," and before.kind == "number":
            return "write numbers without thousands separators: 1000, not 1,000"
        if token.kind == "{" or (token.kind == "}" and before.kind == "}"):
            return "the `{{ }}` of a template are not part of the expression"
        if token.kind == "number" and self._at and before.text == ".":
            return f"write an item's place in brackets: [{token.text}]"
        if token.is_word and self._at:
            return FOREIGN_OPERATORS.get(token.text.lower(), "")
        if token.kind == "." and before.kind != "number":
            return "write 0.5, not .5"
        return ""
