"""Whether a Docker engine answers, and the containers that tests run in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from docker.errors import DockerException  # type: ignore[import-untyped]
from testcontainers.core.container import DockerContainer


def engine_answers() -> bool:
    """The client alone is not enough: many machines have it without an engine."""
    import docker  # type: ignore[import-untyped]

    try:
        client = docker.from_env(timeout=5)
    except DockerException:
        return False
    try:
        return bool(client.ping())
    except (DockerException, OSError):
        return False
    finally:
        client.close()


@contextmanager
def container(
    image: str, inner: int, port: int, environment: Mapping[str, str], ready: Callable[[str], bool]
) -> Iterator[None]:
    """Run ``image`` with its port ``inner`` at ``port`` of ours until the block ends; ``ready`` judges its log."""
    running = DockerContainer(image).with_bind_ports(inner, port)
    for name, value in environment.items():
        running = running.with_env(name, value)
    with running:
        deadline = time.monotonic() + 120
        while not ready("".join(part.decode(errors="replace") for part in running.get_logs())):
            if time.monotonic() > deadline:
                raise TimeoutError(f"expected {image} to be ready within 120 s, but it is not")
            time.sleep(0.2)
        yield
