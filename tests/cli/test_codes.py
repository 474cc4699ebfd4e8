from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Penstock


def test_a_missing_log_is_a_matter_of_usage(penstock: Penstock) -> None:
    result = penstock("replay", "verify")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("penstock: expected a log: give --log, or set PENSTOCK_LOG")
    assert result.stderr.count("\n") == 1


def test_a_wrong_setting_is_one_line_that_names_it(penstock: Penstock) -> None:
    result = penstock("topics", "check", "--log", "redis://x")
    assert result.exit_code == 2
    assert result.stderr.startswith("penstock: --log: expected memory:")


def test_a_gateway_that_does_not_answer_is_unreachable(penstock: Penstock) -> None:
    result = penstock("list", "--url", "http://127.0.0.1:1")
    assert result.exit_code == 3
    assert result.stderr.count("\n") == 1
    assert "http://127.0.0.1:1" in result.stderr


def test_topics_are_missing_until_they_are_applied(penstock: Penstock, tmp_path: Path) -> None:
    log = f"sqlite:{tmp_path / 'log.sqlite'}"
    before = penstock("topics", "check", "--log", log)
    assert before.exit_code == 1
    assert "run `penstock topics apply`" in before.stderr
    assert penstock("topics", "apply", "--log", log, "--partitions", "2").exit_code == 0
    after = penstock("topics", "check", "--log", log, "--json")
    assert after.exit_code == 0
    assert json.loads(after.stdout)["problems"] == []


def test_serving_on_missing_topics_is_refused_with_what_mends_it(penstock: Penstock, tmp_path: Path) -> None:
    result = penstock("serve", "engine", "--log", f"sqlite:{tmp_path / 'log.sqlite'}")
    assert result.exit_code == 1
    assert "run `penstock topics apply`" in result.stderr


def test_another_number_of_partitions_is_refused(penstock: Penstock, tmp_path: Path) -> None:
    log = f"sqlite:{tmp_path / 'log.sqlite'}"
    penstock("topics", "apply", "--log", log, "--partitions", "2")
    result = penstock("topics", "check", "--log", log, "--partitions", "3")
    assert result.exit_code == 1
    assert "to have 3 partitions, but it has 2" in result.stderr


def test_an_unknown_service_is_a_matter_of_usage(penstock: Penstock) -> None:
    result = penstock("serve", "motor")
    assert result.exit_code == 2
    assert "expected engine, projector, gateway, but got motor" in result.stderr


def test_an_empty_log_is_verified(penstock: Penstock, tmp_path: Path) -> None:
    log = f"sqlite:{tmp_path / 'log.sqlite'}"
    penstock("topics", "apply", "--log", log, "--partitions", "1")
    result = penstock("replay", "verify", "--log", log, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["ok"] is True


def test_an_execution_that_is_not_in_the_log_is_a_negative_answer(penstock: Penstock, tmp_path: Path) -> None:
    log = f"sqlite:{tmp_path / 'log.sqlite'}"
    penstock("topics", "apply", "--log", log, "--partitions", "1")
    result = penstock("replay", "show", "nobody", "--log", log)
    assert result.exit_code == 1
    assert "nobody" in result.stderr


def test_a_moment_that_is_none_is_a_matter_of_usage(penstock: Penstock, tmp_path: Path) -> None:
    result = penstock("replay", "show", "x", "--at", "yesterday", "--log", "memory:")
    assert result.exit_code == 2
    assert "--at: expected a number or a time" in result.stderr


def test_a_defect_is_one_line_too_and_the_traceback_is_there_for_who_asks() -> None:
    code = (
        "import sys; from penstock.cli import main, definitions\n"
        "def fall(*_): raise ZeroDivisionError('by zero')\n"
        "definitions._validate = fall\n"
        "sys.argv = ['penstock', *sys.argv[1:]]; main.run()\n"
    )
    quiet = subprocess.run([sys.executable, "-c", code, "validate", "x"], capture_output=True, text=True, check=False)
    loud = subprocess.run(
        [sys.executable, "-c", code, "--debug", "validate", "x"], capture_output=True, text=True, check=False
    )
    assert (quiet.returncode, loud.returncode) == (1, 1)
    assert quiet.stderr == "penstock: defect: ZeroDivisionError: by zero (`penstock --debug ...` shows where)\n"
    assert "Traceback" in loud.stderr


def test_who_stops_reading_ends_the_command_quietly(tmp_path: Path) -> None:
    for n in range(200):
        (tmp_path / f"{n}.yaml").write_text(f"id: x{n}\n")
    done = subprocess.run(
        f"{sys.executable} -m penstock.cli.main validate {tmp_path} | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


def test_to_look_at_a_log_that_is_not_there_does_not_make_it(penstock: Penstock, tmp_path: Path) -> None:
    path = tmp_path / "none.sqlite"
    for command in (("replay", "verify"), ("export",), ("doctor",)):
        result = penstock(*command, "--log", f"sqlite:{path}")
        assert result.exit_code == 1
        assert "no such file" in result.output
    assert not path.exists()


def test_a_log_without_topics_is_told(penstock: Penstock, tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    penstock("serve", "engine", "--log", f"sqlite:{path}")
    result = penstock("replay", "verify", "--log", f"sqlite:{path}")
    assert result.exit_code == 1
    assert result.stderr == "penstock: expected topic 'events' to exist, but it does not: run `penstock topics apply`\n"


def test_a_folder_of_dev_names_its_log_to_those_who_look_but_not_to_those_who_serve(
    penstock: Penstock, tmp_path: Path
) -> None:
    (tmp_path / ".penstock").mkdir()
    assert penstock("topics", "apply", "--log", "sqlite:.penstock/log.sqlite", "--partitions", "1").exit_code == 0
    assert penstock("replay", "verify").exit_code == 0
    assert penstock("serve", "engine").exit_code == 2


def test_an_address_that_others_reach_needs_a_token(penstock: Penstock, tmp_path: Path) -> None:
    log = f"sqlite:{tmp_path / 'log.sqlite'}"
    result = penstock("serve", "gateway", "--log", log, "--host", "0.0.0.0", "--port", "0")
    assert result.exit_code == 2
    assert "PENSTOCK_API_TOKEN" in result.stderr


@pytest.mark.parametrize("text", ["{", "[1]", "@none.json", "7"])
def test_an_input_that_is_no_object_is_a_matter_of_usage(penstock: Penstock, text: str) -> None:
    result = penstock("start", "x", "--input", text)
    assert result.exit_code == 2
    assert result.stderr.startswith("penstock: --input: expected a JSON object")


def test_a_worker_takes_tasks_from_one_side_only(penstock: Penstock) -> None:
    result = penstock("worker", "x", "--url", "http://h:1", "--log", "kafka://h:1")
    assert result.exit_code == 2
    assert "but got both" in result.stderr


def test_a_module_without_handlers_is_a_matter_of_usage(penstock: Penstock, tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("x = 1\n")
    result = penstock("worker", "./empty.py", "--url", "http://127.0.0.1:1")
    assert result.exit_code == 2
    assert "@task" in result.stderr
