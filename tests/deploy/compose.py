"""What stands in the files by which Penstock is deployed, as values."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml

TOP: Final = Path(__file__).parents[2]
COMPOSE: Final = TOP / "docker-compose.yml"
DOCKERFILE: Final = TOP / "deploy" / "image" / "Dockerfile"
EXAMPLE: Final = TOP / ".env.example"
OURS: Final = ("topics", "engine", "projector", "gateway", "worker")
THEIRS: Final = ("kafka", "postgres")
GIVEN: Final = {"POSTGRES_PASSWORD": "secret", "PENSTOCK_API_TOKEN": "secret"}
"""What a person writes into `.env`."""

_REFERENCE: Final = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


def services() -> dict[str, dict[str, Any]]:
    document = yaml.safe_load(COMPOSE.read_text())
    return {name: dict(service) for name, service in document["services"].items()}


def environment(name: str) -> dict[str, str]:
    """The variables of a service, as they stand in the file."""
    return {key: str(value) for key, value in services()[name].get("environment", {}).items()}


def filled(text: str) -> str:
    """``text`` with its references replaced, by what is given or by their defaults."""
    return _REFERENCE.sub(lambda found: GIVEN.get(found["name"]) or str(found["rest"] or ""), text)


def references(text: str) -> list[tuple[str, str]]:
    """The variables that ``text`` refers to, and what stands where they are missing: '-' a default, '?' a refusal."""
    return [(found["name"], found["kind"] or "") for found in _REFERENCE.finditer(text)]


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, continued lines joined."""
    text = re.sub(r"\\\n\s*", " ", DOCKERFILE.read_text())
    lines = [line.strip() for line in text.splitlines()]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines if line and not line.startswith("#")]
