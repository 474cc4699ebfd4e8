"""Every construct of the language has a page, with a definition as its example about which there is nothing to say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from penstock.domain.definition.attributes import SHARED_KEYS
from penstock.domain.definition.compile import compile_definition
from penstock.domain.definition.kinds import KINDS
from penstock.domain.definition.read import read_definition
from penstock.domain.definition.schema import definition_schema
from penstock.domain.definition.validate import validate
from penstock.domain.definition.write_yaml import write_yaml
from tests.docs import pages

FOLDER = pages.DOCS / "constructs"
CONSTRUCTS = sorted(FOLDER.glob("*.md"))
ALSO = {"do": "block", "while": "loops", "until": "loops"}
"""Kinds that are explained on a page of another name."""


def examples(page: Path) -> list[str]:
    return [block.text for block in pages.blocks(page) if block.language == "yaml"]


@pytest.mark.parametrize("page", CONSTRUCTS, ids=pages.name)
def test_a_page_has_one_whole_example_that_compiles_without_a_finding(page: Path) -> None:
    (text,) = examples(page)
    source = read_definition(text)
    assert [str(finding) for finding in validate(source.value, source.positions)] == []
    assert compile_definition(source.value).steps
    assert Draft202012Validator(definition_schema()).is_valid(source.value)
    assert read_definition(write_yaml(source.value)).value == source.value


@pytest.mark.parametrize("construct", [*KINDS, *(key for key in SHARED_KEYS if key != "name"), "triggers"])
def test_a_construct_has_a_page_whose_example_shows_it(construct: str) -> None:
    (text,) = examples(FOLDER / f"{ALSO.get(construct, construct)}.md")
    if construct != "while":  # its page shows the other loop
        assert re.search(rf"(^|[{{ ]){construct}:( |$)", text, re.MULTILINE)


@pytest.mark.parametrize("page", CONSTRUCTS, ids=pages.name)
def test_a_page_says_what_it_does_what_is_recorded_and_where_there_is_more(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.match(r"# .+\n\n[A-Z]", text)
    assert "\nRecorded: " in text
    assert "\nSee also: " in text


@pytest.mark.parametrize("text", examples(pages.DOCS / "semantics.md"), ids=lambda text: text.splitlines()[0])
def test_the_examples_of_the_semantics_compile(text: str) -> None:
    source = read_definition(text)
    assert [str(finding) for finding in validate(source.value, source.positions)] == []
    assert compile_definition(source.value).steps
