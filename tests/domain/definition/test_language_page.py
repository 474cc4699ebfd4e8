"""The reference page: every example compiles without a finding, and no key or code is left out or made up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from penstock.domain.definition.attributes import CATCH_KEYS, JOIN_KEYS, LOCK_KEYS
from penstock.domain.definition.compile import compile_definition
from penstock.domain.definition.examine import DEFINITION_KEYS
from penstock.domain.definition.kinds import KINDS, RETRY_KEYS, SHARED_KEYS
from penstock.domain.definition.kinds_event import OPTION_KEYS, SEND_KEYS, WAIT_KEYS
from penstock.domain.definition.kinds_task import UNDO_KEYS
from penstock.domain.definition.read import read_definition
from penstock.domain.definition.schema import definition_schema
from penstock.domain.definition.triggers import TRIGGER_KEYS
from penstock.domain.definition.validate import validate

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reference" / "definition-language.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES, ids=[text.splitlines()[0] for text in EXAMPLES])
def test_every_example_compiles_and_there_is_nothing_to_say_about_it(text: str) -> None:
    source = read_definition(text)
    assert [str(finding) for finding in validate(source.value, source.positions)] == []
    assert compile_definition(source.value).steps
    assert Draft202012Validator(definition_schema()).is_valid(source.value)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 20


@pytest.mark.parametrize(
    "key", sorted({*DEFINITION_KEYS, *SHARED_KEYS, *RETRY_KEYS, *(key for kind in KINDS.values() for key in kind.keys)})
)
def test_every_key_is_explained(key: str) -> None:
    assert re.search(rf"^\| [^|]*`{key}`[^|]* \||^### .*`{key}`|^`{key}`", PAGE, re.MULTILINE)


@pytest.mark.parametrize(
    "key",
    sorted({*CATCH_KEYS, *JOIN_KEYS, *LOCK_KEYS, *OPTION_KEYS, *SEND_KEYS, *TRIGGER_KEYS, *UNDO_KEYS, *WAIT_KEYS}),
)
def test_every_key_of_a_part_is_shown_in_an_example(key: str) -> None:
    assert any(re.search(rf"(^|[{{ ]){key}: ", text, re.MULTILINE) for text in EXAMPLES)


def test_the_page_lists_exactly_the_codes_that_exist() -> None:
    listed = set(re.findall(r"`([A-Z]+_?[A-Z_]+)`", PAGE[PAGE.index("## What is found") :])) - {"LOOP_LIMIT"}
    text = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "shared/penstock/domain/definition").glob("*.py")
        if path.stem != "compatibility"  # it says what differs between two definitions, not what is wrong with one
    )
    used = set(re.findall(r'(?:error|broken|at_key|warn|Unreadable|_refused)\(\s*"([A-Z_]+)"', text))
    used |= set(re.findall(r'code(?:: str)? ?= ?"([A-Z_]+)"', text))
    assert listed == used
