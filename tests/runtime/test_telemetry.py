from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from prometheus_client import generate_latest

from penstock.runtime.telemetry import make_registry, set_up_logging


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_off_a_terminal_every_line_is_one_json_object() -> None:
    stream = io.StringIO()
    set_up_logging(stream=stream)
    structlog.get_logger("penstock.test").info("it happened", execution="x1")
    logging.getLogger("somebody.else").warning("and %s", "that")
    ours, theirs = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (ours["event"], ours["execution"], ours["level"]) == ("it happened", "x1", "info")
    assert (theirs["event"], theirs["logger"]) == ("and that", "somebody.else")


def test_a_traceback_is_part_of_its_line() -> None:
    stream = io.StringIO()
    set_up_logging(stream=stream)
    structlog.get_logger("penstock.test").error("it fell", exc_info=ValueError("why"))
    assert "ValueError: why" in json.loads(stream.getvalue())["exception"]


def test_what_is_below_the_level_is_not_written() -> None:
    stream = io.StringIO()
    set_up_logging("error", stream=stream)
    structlog.get_logger("penstock.test").warning("never mind")
    assert stream.getvalue() == ""


def test_for_people_a_line_is_no_json() -> None:
    stream = io.StringIO()
    set_up_logging(form="console", stream=stream)
    structlog.get_logger("penstock.test").info("it happened", execution="x1")
    assert "it happened" in stream.getvalue()
    assert "execution=x1" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_each_registry_is_its_own() -> None:
    one, other = make_registry(), make_registry()
    assert one is not other
    assert b"process_resident_memory_bytes" in generate_latest(one)
