from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs import pages

_PLACES = ("tests", "shared", "services", "projections", "schemas", "deploy", "bench", "docs")
_NAMED = re.compile(rf"(?<![\w./-])(?:{'|'.join(_PLACES)})/[\w./-]+")
_TEST = re.compile(r"(tests/[\w/]+\.py)::(\w+)")


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in pages.links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(pages.TOP), link
        if anchor and target.suffix == ".md":
            assert anchor in pages.anchors(target), link


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
def test_every_file_that_is_named_exists(page: Path) -> None:
    for named in _NAMED.findall(pages.prose(page)):
        assert (pages.TOP / named.rstrip(".")).exists(), named


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
def test_every_test_that_is_named_exists(page: Path) -> None:
    for file, test in _TEST.findall(pages.prose(page)):
        assert re.search(rf"^(async )?def {test}\(", (pages.TOP / file).read_text(), re.MULTILINE), f"{file}::{test}"


def test_every_page_is_on_the_map() -> None:
    linked = {(pages.DOCS / link.partition("#")[0]).resolve() for link in pages.links(pages.DOCS / "README.md")}
    inside = {page for page in pages.PAGES if page.is_relative_to(pages.DOCS)} - {pages.DOCS / "README.md"}
    assert {pages.name(page) for page in inside - linked} == set()


def test_a_broken_link_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("See [that](nowhere.md#here), not [this](https://example.com).\n```\n[code](no.md)\n```\n")
    assert pages.links(page) == ["nowhere.md#here"]
