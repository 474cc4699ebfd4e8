"""The services in processes of their own, on a real Kafka and a real Postgres, through the command line alone."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import pytest
from launcher import free_ports

from tests.e2e.processes import PENSTOCK, environment, ran

pytestmark = pytest.mark.slow

DEFINITION = """
id: greeting
version: 1.0.0
output: "{{ steps.greet.text }}"
steps:
  rest: {wait: 100ms, next: greet}
  greet: {task: greet}
"""
HANDLERS = """
from penstock.sdk import task

@task("greet")
def greet(name: str) -> dict:
    return {"text": f"hello {name}"}
"""


class Deployment:
    """Engine, projector, gateway and worker, each a process."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder, self.settings = folder, dict(settings)
        (folder / "greeting.yaml").write_text(DEFINITION)
        (folder / "handlers.py").write_text(HANDLERS)
        self.processes: dict[str, subprocess.Popen[str]] = {}

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return ran(arguments, self.folder, **self.settings)

    def start(self, name: str, *arguments: str) -> None:
        with self.output(name).open("w") as sink:
            self.processes[name] = subprocess.Popen(
                [*PENSTOCK, *arguments],
                cwd=self.folder,
                env=environment(**self.settings),
                stdout=sink,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def output(self, name: str) -> Path:
        return self.folder / f"{name}.out"

    def until_served(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            checks = json.loads(self.call("doctor", "--json").stdout)
            if {check["verdict"] for check in checks} <= {"good", "skipped"}:
                return
        pytest.fail(f"expected everything to be good, but: {checks}")

    def end(self) -> dict[str, int]:
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        return {name: process.wait(timeout=60) for name, process in self.processes.items()}


@pytest.fixture
def deployment(tmp_path: Path, kafka: str, postgres: str) -> Iterator[Deployment]:
    (port,) = free_ports(1)
    settings = {
        "PENSTOCK_LOG": f"kafka://{kafka}",
        "PENSTOCK_TABLES": postgres,
        "PENSTOCK_PREFIX": f"serve-{uuid4().hex[:8]}",
        "PENSTOCK_PORT": str(port),
        "PENSTOCK_URL": f"http://127.0.0.1:{port}",
    }
    made = Deployment(tmp_path, settings)
    yield made
    made.end()


def test_each_service_in_a_process_of_its_own(deployment: Deployment) -> None:
    refused = deployment.call("serve", "engine")
    assert (refused.returncode, "run `penstock topics apply`" in refused.stderr) == (1, True)
    assert deployment.call("topics", "apply", "--partitions", "2").returncode == 0
    for part in ("engine", "projector", "gateway"):
        deployment.start(part, "serve", part)
    deployment.start("worker", "worker", "./handlers.py")
    deployment.until_served()

    assert deployment.call("publish", "greeting.yaml").returncode == 0
    done = deployment.call("start", "greeting", "--input", '{"name": "Kafka"}', "--wait", "--timeout", "60", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["output"] == "hello Kafka"
    compared = deployment.call("replay", "rebuild", "--compare", "--json")
    assert json.loads(compared.stdout)["ok"] is True

    assert deployment.end() == {"engine": 0, "projector": 0, "gateway": 0, "worker": 0}
    verified = json.loads(deployment.call("replay", "verify", "--json").stdout)
    assert verified["ok"] is True
    markers = {p["marker_digest"]: p["digest"] for p in verified["partitions"] if p["marker_digest"]}
    assert markers
    assert all(live == replayed for live, replayed in markers.items())
    for name in deployment.processes:
        assert "Traceback" not in deployment.output(name).read_text()
