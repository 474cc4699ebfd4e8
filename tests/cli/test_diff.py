from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Penstock
from tests.docs import pages

PAGE = pages.DOCS / "how-to" / "version-definitions.md"
TEXT = "id: order\nversion: 1.0.0\nsteps:\n  check: {task: check, next: ship}\n  ship: {task: ship}\n"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old.yaml"
    path.write_text(TEXT)
    return path


@pytest.fixture
def new(tmp_path: Path) -> Path:
    path = tmp_path / "new.yaml"
    path.write_text(TEXT.replace("1.0.0", "1.1.0").replace("{task: ship}", "{task: ship, timeout: 2m}"))
    return path


def test_two_files_that_differ_give_a_line_for_each_change(penstock: Penstock, old: Path, new: Path) -> None:
    result = penstock("diff", old, new)
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout == "step ship: timeout is new: 120.0\n"


def test_two_files_that_differ_in_nothing_but_their_version_are_the_same(
    penstock: Penstock, old: Path, tmp_path: Path
) -> None:
    same = tmp_path / "same.json"
    steps = {"check": {"task": "check", "next": "ship"}, "ship": {"task": "ship"}}
    same.write_text(json.dumps({"id": "order", "version": "2.0.0", "steps": steps}))
    result = penstock("diff", old, same)
    assert (result.exit_code, result.stdout) == (0, "")


def test_for_programs_changes_have_paths_and_values(penstock: Penstock, old: Path, new: Path) -> None:
    result = penstock("diff", old, new, "--format", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == [
        {
            "kind": "added",
            "subject": "step",
            "name": "ship",
            "field": "timeout",
            "path": "steps.ship.timeout",
            "old": None,
            "new": 120.0,
            "text": "step ship: timeout is new: 120.0",
        }
    ]


def test_what_is_no_sound_definition_is_trouble_and_not_a_difference(
    penstock: Penstock, old: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("id: order\nversion: 1.0.0\nsteps:\n  a: {task: t, next: nowhere}\n")
    for pair in ((old, bad), (bad, old), (old, tmp_path / "none.yaml")):
        result = penstock("diff", *pair)
        assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no step 'nowhere'" in penstock("diff", old, bad).stderr


def test_control_characters_of_a_definition_do_not_reach_the_terminal(
    penstock: Penstock, old: Path, tmp_path: Path
) -> None:
    evil = tmp_path / "evil.yaml"
    evil.write_text(TEXT.replace("version: 1.0.0", 'version: 1.0.0\nname: "\\u001b[31m"'))
    assert "\x1b" not in penstock("diff", old, evil).stdout


def test_the_example_of_the_page_is_what_is_said(penstock: Penstock, tmp_path: Path) -> None:
    texts = [block.text for block in pages.blocks(PAGE) if block.language == "yaml"]
    for name, text in zip(("order-1.0.yaml", "order-1.1.yaml"), texts, strict=True):
        (tmp_path / name).write_text(text)
    told = next(block.text for block in pages.blocks(PAGE) if block.language == "text")
    assert penstock("diff", tmp_path / "order-1.0.yaml", tmp_path / "order-1.1.yaml").stdout == told
