from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Penstock

GOOD = "id: good\nversion: 1.0.0\nsteps:\n  first: {task: do-it}\n"
BAD = "id: bad\nversion: 1.0.0\nsteps:\n  first:\n    task: do-it\n    timeot: 5s\n"


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text(BAD)
    return path


def test_a_good_definition_is_good(penstock: Penstock, tmp_path: Path) -> None:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    result = penstock("validate", path)
    assert (result.exit_code, result.stdout) == (0, "1 checked, 0 errors, 0 warnings\n")


def test_an_error_is_told_with_line_column_and_advice(penstock: Penstock, bad: Path) -> None:
    result = penstock("validate", bad)
    assert result.exit_code == 1
    assert f"{bad}:6:5: error: unknown key 'timeot'" in result.stdout
    assert "hint: did you mean `timeout`?" in result.stdout


def test_for_programs_findings_are_json(penstock: Penstock, bad: Path) -> None:
    result = penstock("validate", "--json", bad)
    findings = json.loads(result.stdout)
    assert [(f["file"], f["line"], f["column"], f["code"]) for f in findings if f["severity"] == "error"] == [
        (str(bad), 6, 5, "UNKNOWN_KEY")
    ]
    assert result.exit_code == 1


def test_a_folder_stands_for_its_definitions(penstock: Penstock, bad: Path) -> None:
    (bad.parent / "good.json").write_text(json.dumps({"id": "g", "version": "1.0.0", "steps": {"a": {"pass": True}}}))
    (bad.parent / "notes.txt").write_text("not a definition")
    result = penstock("validate", bad.parent)
    assert result.exit_code == 1
    assert "2 checked, 1 errors" in result.stdout


def test_what_is_no_yaml_is_told_with_its_place(penstock: Penstock, tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("id: x\nsteps: [\n")
    result = penstock("validate", path)
    assert result.exit_code == 1
    assert f"{path}:" in result.stdout


def test_a_file_that_is_not_there_is_a_matter_of_usage(penstock: Penstock, tmp_path: Path) -> None:
    result = penstock("validate", tmp_path / "none.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"penstock: expected a file or a folder at {tmp_path / 'none.yaml'}, but there is none\n"


def test_what_a_text_says_cannot_colour_the_screen(penstock: Penstock, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text('id: good\nversion: 1.0.0\n"[red]x\\e[31m": 1\nsteps:\n  first: {task: do-it}\n')
    result = penstock("validate", path)
    assert "[red]x" in result.stdout
    assert "\x1b" not in result.stdout
