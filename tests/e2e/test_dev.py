from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.e2e.processes import processes_about, ran, started

pytestmark = pytest.mark.slow

DEFINITION = """
id: greeting
version: 1.0.0
output: "{{ steps.greet.text }}"
steps:
  greet: {task: greet, retry: {attempts: 1}}
"""
HANDLERS = """
from penstock.sdk import task

@task("greet")
def greet(name: str) -> dict:
    return {"text": f"hello {name}"}
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's: started by root, Postgres runs as a user who cannot enter those."""
    made = Path(tempfile.mkdtemp(prefix="penstock-test-"))
    made.chmod(0o755)
    (made / "greeting.yaml").write_text(DEFINITION)
    (made / "handlers.py").write_text(HANDLERS)
    yield made
    shutil.rmtree(made)


class Dev:
    """`penstock dev` at work; its URL."""

    def __init__(self, folder: Path, output: Path) -> None:
        self.folder, self.output = folder, output
        self.process = started(["dev", ".", "--port", "0"], folder, output=output)
        self.url = self._url()

    def _url(self) -> str:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and self.process.poll() is None:
            text = self.output.read_text()
            if "ready;" in text:
                found = re.search(r"API +(http://\S+)/api/v1", text)
                assert found, text
                return found[1]
            time.sleep(0.05)  # another process: nothing tells us but what it writes
        self.process.kill()
        pytest.fail(f"expected penstock dev to be ready, but it said:\n{self.output.read_text()}")

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return ran(arguments, self.folder, PENSTOCK_URL=self.url)

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


@pytest.fixture
def dev(folder: Path, tmp_path: Path) -> Iterator[Dev]:
    running = Dev(folder, tmp_path / "output")
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()


def test_definitions_and_handlers_of_a_folder_work_at_once(dev: Dev) -> None:
    done = dev.call("start", "greeting", "--input", '{"name": "Zoë"}', "--wait", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["output"] == "hello Zoë"
    with urlopen(f"{dev.url}/docs") as page:
        assert page.status == 200
    assert dev.end(signal.SIGTERM) == 0
    assert "Traceback" not in dev.output.read_text()
    assert not processes_about(dev.folder)


def test_the_way_of_an_execution_through_the_command_line(dev: Dev, tmp_path: Path) -> None:
    waiting = tmp_path / "waiting.yaml"
    waiting.write_text("id: waiting\nversion: 1.0.0\nsteps:\n  rest: {wait: 1h}\n")
    assert dev.call("publish", str(waiting)).stdout == "published waiting 1.0.0\n"
    waiting.write_text("id: waiting\nversion: 1.0.0\nsteps:\n  rest: {wait: 2h}\n")
    refused = dev.call("publish", str(waiting))
    assert (refused.returncode, "VERSION_EXISTS" in refused.stderr) == (4, True)

    started_ = dev.call("start", "waiting", "--json", "--business-key", "K1")
    id_ = json.loads(started_.stdout)["id"]
    again = dev.call("start", "waiting", "--id", id_, "--business-key", "K1")
    assert (again.returncode, again.stdout) == (0, f"{id_}\n")
    other = dev.call("start", "waiting", "--id", id_, "--business-key", "K2")
    assert (other.returncode, "EXECUTION_EXISTS" in other.stderr) == (4, True)

    assert dev.call("pause", id_, "--reason", "lunch").returncode == 0
    shown = json.loads(dev.call("show", id_, "--json").stdout)
    assert (shown["execution"]["status"], shown["execution"]["reason"]) == ("paused", "lunch")
    assert [event["sequence"] for event in shown["timeline"]] == list(range(1, len(shown["timeline"]) + 1))
    assert dev.call("resume", id_).returncode == 0
    listed = json.loads(dev.call("list", "--business-key", "K1", "--status", "waiting", "--json").stdout)
    assert [item["id"] for item in listed["items"]] == [id_]

    assert dev.call("cancel", id_).returncode == 0
    ended = dev.call("cancel", id_)
    assert (ended.returncode, "EXECUTION_ENDED" in ended.stderr) == (4, True)
    watched = dev.call("watch", id_, "--json")
    types = [json.loads(line)["type"] for line in watched.stdout.splitlines()]
    assert types[0] == "penstock.execution_started.v1"
    assert types[-1] == "penstock.execution_cancelled.v1"
    assert watched.returncode == 1
    assert dev.call("show", "nobody").returncode == 1
    assert dev.call("start", "nothing").returncode in (1, 4)


def test_a_failed_execution_is_a_negative_answer(dev: Dev) -> None:
    done = dev.call("start", "greeting", "--input", "{}", "--wait", "--json")
    assert done.returncode == 1
    row = json.loads(done.stdout)
    assert (row["status"], row["failure"]["code"]) == ("failed", "INPUT_INVALID")
    assert dev.call("retry", row["id"]).returncode == 0


def test_the_log_of_a_folder_can_be_replayed_while_it_is_served(dev: Dev) -> None:
    id_ = json.loads(dev.call("start", "greeting", "--input", '{"name": "A"}', "--wait", "--json").stdout)["id"]
    verified = dev.call("replay", "verify", "--json")
    assert verified.returncode == 0, verified.stdout
    compared = dev.call("replay", "rebuild", "--compare", "--json")
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert json.loads(compared.stdout)["rows"]["executions"] == 1
    then = json.loads(dev.call("replay", "show", id_, "--at", "1", "--json").stdout)
    assert (then["sequence"], then["execution_id"]) == (1, id_)
    exported = [json.loads(line) for line in dev.call("export", "--topic", "events").stdout.splitlines()]
    assert {line["event"]["subject"] for line in exported} >= {id_}
    examined = dev.call("doctor", "--json")
    assert examined.returncode == 0, examined.stdout
    names = ("python", "log", "topics", "clock", "tables", "lag", "gateway", "waits")
    found = {check["name"]: check["verdict"] for check in json.loads(examined.stdout)}
    assert found == dict.fromkeys(names, "good")


def test_what_was_done_is_there_after_a_restart(dev: Dev, tmp_path: Path) -> None:
    id_ = dev.call("start", "greeting", "--input", '{"name": "A"}', "--wait", "--json").stdout
    assert dev.end(signal.SIGINT) == 0
    verified = json.loads(ran(["replay", "verify", "--json"], dev.folder).stdout)
    live = [(p["marker_digest"], p["digest"]) for p in verified["partitions"] if p["topic"] == "events"]
    assert live[0][0] == live[0][1]
    again = Dev(dev.folder, tmp_path / "again")
    try:
        shown = again.call("show", json.loads(id_)["id"], "--json")
        assert json.loads(shown.stdout)["execution"]["output"] == "hello A"
    finally:
        assert again.end(signal.SIGTERM) == 0


def test_a_worker_of_its_own_takes_tasks_over_http(dev: Dev, tmp_path: Path) -> None:
    (dev.folder / "others.py").write_text(
        "from penstock.sdk import task\n@task('shout', queue='loud')\ndef shout(name: str) -> str:\n"
        "    return name.upper()\n"
    )
    loud = tmp_path / "loud.yaml"
    loud.write_text("id: loud\nversion: 1.0.0\nsteps:\n  shout: {task: shout, queue: loud}\n")
    assert dev.call("publish", str(loud)).returncode == 0
    worker = started(["worker", "./others.py", "--url", dev.url], dev.folder, output=tmp_path / "worker")
    try:
        done = dev.call("start", "loud", "--input", '{"name": "zoë"}', "--wait", "--timeout", "60", "--json")
        assert json.loads(done.stdout)["output"] == "ZOË"
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=60) == 0
    assert "Traceback" not in (tmp_path / "worker").read_text()


def test_definitions_with_errors_are_shown_and_nothing_is_started(folder: Path) -> None:
    (folder / "bad.yaml").write_text("id: bad\nversion: 1.0.0\nsteps:\n  a: {tusk: x}\n")
    done = ran(["dev", "."], folder)
    assert done.returncode == 1
    assert "bad.yaml:4:" in done.stdout
    assert not (folder / ".penstock").exists()
