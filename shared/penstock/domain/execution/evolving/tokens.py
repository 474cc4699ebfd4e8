"""Tokens on transitions by scope: put down, taken up, thrown away."""

from __future__ import annotations

from typing import TypeAlias

from penstock.domain.execution.places import HistoryBroken

Tokens: TypeAlias = dict[int, dict[str, int]]


def placed(tokens: Tokens, scope: int, taken: tuple[str, ...]) -> Tokens:
    if not taken:
        return tokens
    lying = dict(tokens.get(scope, {}))
    for transition in taken:
        lying[transition] = lying.get(transition, 0) + 1
    return {**tokens, scope: lying}


def consumed(tokens: Tokens, scope: int, used: tuple[str, ...]) -> Tokens:
    if not used:
        return tokens
    lying = dict(tokens.get(scope, {}))
    for transition in used:
        if lying.get(transition, 0) < 1:
            raise HistoryBroken(f"expected a token on {transition!r} in scope {scope}, but there is none")
        lying[transition] -= 1
        if not lying[transition]:
            del lying[transition]
    rest = {s: t for s, t in tokens.items() if s != scope}
    return {**rest, scope: lying} if lying else rest
