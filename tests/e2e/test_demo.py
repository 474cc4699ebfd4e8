from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.processes import processes_about, started

pytestmark = pytest.mark.slow


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Where the demo puts its folder. Not pytest's: started by root, Postgres runs as a user who cannot enter those."""
    folder = Path(tempfile.mkdtemp(prefix="penstock-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def finished(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=180)
    return output


def left_in(temporary: Path) -> list[Path]:
    """All but the lock that every embedded Postgres of the machine shares."""
    return [path for path in temporary.iterdir() if path.name != ".lockfile"]


def test_the_demo_proves_itself_and_leaves_nothing_behind(tmp_path: Path, temporary: Path) -> None:
    process = started(["demo", "--executions", "60"], tmp_path, temporary=temporary)
    output = finished(process)
    assert process.returncode == 0, output
    live = re.findall(r"live +([0-9a-f]{64})", output)
    replayed = re.findall(r"replayed +([0-9a-f]{64})", output)
    assert len(live) == 2
    assert live == replayed
    assert "DIFFERENT" not in output
    assert re.search(r"executions +60 in ", output)
    assert "60 rows in executions" in output
    for name in ("order-approval", "document-pipeline", "deployment"):
        assert re.search(rf"^{name} +20 ", output, re.MULTILINE)
    assert not left_in(temporary)
    assert not processes_about(temporary)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_demo_that_is_stopped_leaves_nothing_behind(tmp_path: Path, temporary: Path, number: signal.Signals) -> None:
    process = started(["demo"], tmp_path, temporary=temporary)
    assert process.stdout is not None
    # The first line of its progress: everything runs by then.
    assert any(" events" in line for line in process.stdout)
    process.send_signal(number)
    output = finished(process)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert not left_in(temporary)
    assert not processes_about(temporary)


def test_a_demo_that_is_stopped_while_it_starts_leaves_nothing_behind(tmp_path: Path, temporary: Path) -> None:
    process = started(["demo"], tmp_path, temporary=temporary)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("penstock demo")
    process.send_signal(signal.SIGINT)
    output = finished(process)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert not left_in(temporary)
    assert not processes_about(temporary)
