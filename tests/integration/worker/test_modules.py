"""Handlers from modules, files and folders, and what is said when there are none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.log.memory import MemoryLog
from penstock.log.topics import product_topics
from penstock.sdk import LogTransport, ModuleInvalid
from penstock.worker.modules import handlers_in, load_handlers
from penstock.worker.service import WorkerService
from tests.integration.gateway.rig import running

CHARGE = """
from penstock.sdk import task
import prices_{n}

@task("charge-{n}")
def charge(amount: int) -> int:
    return amount + prices_{n}.FEE
"""


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Modules and paths of one test are none of the next one's business."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.chdir(tmp_path)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(folder: Path, n: int, name: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"prices_{n}.py").write_text("FEE = 1")
    file = folder / (name or f"handlers_{n}.py")
    file.write_text(CHARGE.format(n=n))
    return file


def test_a_module_of_the_present_folder_is_found_by_its_name(tmp_path: Path) -> None:
    package = tmp_path / "shop"
    write(package, 1)
    (package / "__init__.py").write_text("")
    (tmp_path / "prices_1.py").write_text("FEE = 2")
    (handler,) = load_handlers(["shop.handlers_1"])
    assert handler.type == "charge-1"
    assert handler.function(1) == 3


def test_a_file_may_import_what_lies_beside_it(tmp_path: Path) -> None:
    file = write(tmp_path / "a", 2)
    (handler,) = load_handlers([file])
    assert handler.function(1) == 2
    assert load_handlers([str(file)])[0].function is handler.function


def test_a_folder_gives_the_handlers_of_its_files_but_no_tests(tmp_path: Path) -> None:
    write(tmp_path / "b", 3)
    write(tmp_path / "b", 4)
    (tmp_path / "b" / "test_it.py").write_text("raise RuntimeError")
    assert [handler.type for handler in load_handlers([tmp_path / "b"])] == ["charge-3", "charge-4"]


def test_files_of_one_name_do_not_get_in_each_others_way(tmp_path: Path) -> None:
    files = [write(tmp_path / f"c{n}", n, "json.py") for n in (5, 6)]
    assert [handler.type for handler in load_handlers(files)] == ["charge-5", "charge-6"]


def test_a_folder_may_hold_none_where_that_is_no_mistake(tmp_path: Path) -> None:
    assert handlers_in(tmp_path) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1", "expected a function with @task in"),
        ("def (", "SyntaxError"),
        ("import not_there_at_all", "ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("raise SystemExit(1)", "it raised SystemExit"),
        ("from penstock.sdk import task\n@task('a')\ndef f(*a): ...", "have names"),
        ("1 / 0", "broken.py:1)"),
    ],
)
def test_a_file_that_is_no_good_is_named_with_the_reason(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "broken.py"
    file.write_text(text)
    with pytest.raises(ModuleInvalid) as caught:
        load_handlers([file])
    assert said in str(caught.value)
    assert "broken.py" in str(caught.value)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("no_such_module", "there is no 'no_such_module'"),
        ("os.no_such_part", "there is no 'os.no_such_part'"),
        ("what is this", "expected a module such as"),
        ("./missing.py", "expected a file or a folder"),
    ],
)
def test_a_place_that_is_not_there_is_said(place: str, said: str) -> None:
    with pytest.raises(ModuleInvalid, match=said):
        load_handlers([place])


def test_two_modules_with_one_type_are_refused(tmp_path: Path) -> None:
    files = [write(tmp_path / "d", 7), write(tmp_path / "e", 7, "other.py")]
    with pytest.raises(ModuleInvalid, match="charge-7"):
        load_handlers(files)


@pytest.mark.anyio
async def test_the_service_serves_the_queues_of_its_handlers(tmp_path: Path) -> None:
    log = MemoryLog()
    await log.apply(product_topics(1))
    service = WorkerService([write(tmp_path / "f", 8)], LogTransport(log), concurrency=2)
    assert service.name == "worker"
    async with running(service):
        assert service.ready()
