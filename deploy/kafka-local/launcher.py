"""
Runs Apache Kafka on this machine: `make kafka` for people, ``LocalKafka`` for tests.

Java and Maven are all it needs. The jars are fetched once into ``target/``; data lives in a temporary folder and is
deleted at the end. Everything listens on loopback only.
"""

# ruff: noqa: S311, S603, T201 - a program that talks to its terminal and starts what is named here

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Self

HERE = Path(__file__).resolve().parent
JARS = HERE / "target" / "jars"
STARTED = "Kafka Server started"
START_TIMEOUT = 90.0
STOP_TIMEOUT = 15.0
# Below the ports that systems hand out for outgoing connections (from 32768 on Linux): while a node is down, no
# client's connection can take its port.
PORTS = range(20_000, 32_000)


class CannotStart(Exception):
    """Kafka does not run here; the text says what to install or where to look."""


def fetched_jars() -> Path:
    """
    The folder of Kafka's jars, fetched by Maven where they are missing or where ``pom.xml`` is newer.

    Raises:
        CannotStart: Maven is missing, or it failed.

    """
    done = HERE / "target" / "fetched"
    if done.exists() and done.stat().st_mtime >= (HERE / "pom.xml").stat().st_mtime:
        return JARS
    maven = shutil.which("mvn")
    if maven is None:
        raise CannotStart("expected Maven to fetch Apache Kafka, but there is no `mvn`: install maven (and a JDK 17)")
    print("fetching Apache Kafka (about 55 MB, once) ...", file=sys.stderr, flush=True)
    shutil.rmtree(JARS, ignore_errors=True)
    command = [maven, "-B", "-q", "-ntp", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
    result = subprocess.run(command, stdout=sys.stderr, check=False)
    if result.returncode != 0:
        raise CannotStart(f"expected Maven to fetch Apache Kafka, but it ended with {result.returncode}; see above")
    done.touch()
    return JARS


def console_classpath() -> str:
    """The class path of Kafka's own tools, as in ``java -cp ... org.apache.kafka.tools.TopicCommand``."""
    return str(fetched_jars() / "*")


def java() -> str:
    """
    The path of a Java runtime.

    Raises:
        CannotStart: there is none.

    """
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home) / "bin")) if home else None
    found = found or shutil.which("java")
    if found is None:
        raise CannotStart("expected a Java runtime of version 17 or later, but there is no `java`: install a JRE 17")
    return found


def free_ports(count: int) -> list[int]:
    """``count`` different loopback ports that nobody listens on now."""
    free: list[int] = []
    while len(free) < count:
        port = random.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in free:
                free.append(port)
    return free


class Node:
    """One broker and controller, with its own data; starts again on the same ports."""

    def __init__(self, number: int, folder: Path, port: int, heap: str) -> None:
        self.number, self.folder, self.port, self.heap = number, folder, port, heap
        self.log = folder / "broker.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self.process is None:
            raise CannotStart(f"expected node {self.number} to run, but it does not")
        return self.process.pid

    def format(self, cluster: str) -> None:
        tool = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self.folder / "server.properties")]
        quiet = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
        command = [java(), "-XX:TieredStopAtLevel=1", quiet, "-cp", console_classpath(), *tool]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise CannotStart(f"expected the storage of node {self.number} to be formatted, but: {result.stderr}")

    def spawn(self) -> None:
        command = [
            java(),
            f"-Xmx{self.heap}",
            "-XX:+UseSerialGC",
            f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
            "-cp",
            console_classpath(),
            "kafka.Kafka",
            str(self.folder / "server.properties"),
        ]
        # Its own session: a Ctrl-C in the terminal reaches the launcher alone, which then stops the nodes in order.
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def wait(self) -> None:
        """Until the broker is registered, unfenced and serves."""
        deadline = time.monotonic() + START_TIMEOUT
        while STARTED not in self.log.read_text(errors="replace"):
            if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
                raise CannotStart(f"expected node {self.number} to serve within {START_TIMEOUT:.0f} s, but:\n{tail}")
            time.sleep(0.05)

    def end(self, how: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(how)
        # A frozen process takes no SIGTERM before it is woken.
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class LocalKafka:
    """A Kafka cluster of 1 or 3 nodes on loopback ports; ``with LocalKafka() as kafka: kafka.bootstrap``."""

    def __init__(self, nodes: int = 1) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="penstock-kafka-"))
        heap = "768m" if nodes == 1 else "512m"
        ports = free_ports(2 * nodes)
        self._controllers = ports[nodes:]
        self.nodes = [Node(i + 1, self.folder / f"node-{i + 1}", ports[i], heap) for i in range(nodes)]

    @property
    def bootstrap(self) -> str:
        return ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    @property
    def pids(self) -> list[int]:
        """The process ids of the nodes that run."""
        return [node.pid for node in self.nodes if node.process is not None]

    def prepare(self) -> None:
        """
        Fetch the jars where they are missing.

        Raises:
            CannotStart: there is no Java or no Maven here.

        """
        java()
        fetched_jars()

    def start(self) -> Self:
        """
        Format, start, and return when every node serves.

        Raises:
            CannotStart: see the text; nothing is left running.

        """
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # A cluster id that begins with a dash would be read as an option.
        cluster = "A" + cluster[1:]
        try:
            for node in self.nodes:
                node.folder.mkdir()
                (node.folder / "server.properties").write_text(self._properties(node))
                node.format(cluster)
            self._run(self.nodes)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End every node and delete the data; idempotent."""
        for node in self.nodes:
            # A quorum that loses its majority cannot shut down in order: with several nodes nobody waits for that.
            node.end(signal.SIGTERM if len(self.nodes) == 1 else signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self, number: int = 1) -> None:
        """End one node as a power cut would, as far as its process goes."""
        self.nodes[number - 1].end(signal.SIGKILL)

    def restart(self, number: int = 1) -> None:
        """Start one node again, on its port and its data; a running one is stopped in order first."""
        node = self.nodes[number - 1]
        node.end(signal.SIGTERM)
        self._run([node])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            node.spawn()
        for node in nodes:
            node.wait()

    def _properties(self, node: Node) -> str:
        count = len(self.nodes)
        controller = self._controllers[node.number - 1]
        voters = ",".join(f"{i + 1}@127.0.0.1:{port}" for i, port in enumerate(self._controllers))
        properties = {
            "process.roles": "broker,controller",
            "node.id": node.number,
            "controller.quorum.voters": voters,
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{node.port},CONTROLLER://127.0.0.1:{controller}",
            "log.dirs": node.folder / "data",
            # Few partitions for the inner topics: fifty of each would cost a small machine a second at first use.
            "offsets.topic.num.partitions": 5,
            "offsets.topic.replication.factor": count,
            "transaction.state.log.num.partitions": 5,
            "transaction.state.log.replication.factor": count,
            "transaction.state.log.min.isr": min(count, 2),
            "min.insync.replicas": min(count, 2),
            "default.replication.factor": count,
            "group.initial.rebalance.delay.ms": 0,
            # A killed node comes back as itself without waiting for its old session to end.
            "broker.session.timeout.ms": 5000,
            "broker.heartbeat.interval.ms": 500,
            "log.cleaner.dedupe.buffer.size": 16 << 20,
        }
        return "".join(f"{name}={value}\n" for name, value in properties.items())


def main() -> int:
    """Print the bootstrap address, serve until Ctrl-C or SIGTERM, delete the data."""
    parser = argparse.ArgumentParser(description="Apache Kafka on this machine, until Ctrl-C")
    parser.add_argument("--nodes", type=int, choices=(1, 3), default=1)
    nodes: int = parser.parse_args().nodes

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        with LocalKafka(nodes) as kafka:
            print(kafka.bootstrap, flush=True)
            for node in kafka.nodes:
                if node.process is not None:
                    node.process.wait()
    except KeyboardInterrupt:
        return 0
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
