from __future__ import annotations

from http import HTTPStatus

from penstock.domain.errors import ErrorCode
from penstock.domain.rejected import RejectionCode
from penstock.gateway.problems import _STATUS
from tests.docs import pages

PAGE = pages.DOCS / "how-to" / "troubleshoot.md"


def test_every_refusal_is_explained_once() -> None:
    assert pages.column(PAGE, "Refusals") == [code.value for code in RejectionCode]


def test_every_refusal_has_the_status_that_the_gateway_gives_it() -> None:
    told = dict(zip(pages.column(PAGE, "Refusals"), pages.column(PAGE, "Refusals", 1), strict=True))
    assert told == {code.value: str(_STATUS.get(code, HTTPStatus.CONFLICT.value)) for code in RejectionCode}


def test_every_failure_that_the_engine_gives_is_explained_once() -> None:
    assert pages.column(PAGE, "Failures of steps") == [code.value for code in ErrorCode]
