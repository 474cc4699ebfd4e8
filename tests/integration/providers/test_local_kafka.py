"""The launcher as people start it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import launcher
import pytest


@pytest.mark.kafka
@pytest.mark.slow
def test_it_prints_its_address_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        launcher.java()
        launcher.fetched_jars()
    except launcher.CannotStart as error:
        pytest.skip(str(error))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    running = subprocess.Popen([sys.executable, launcher.__file__], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    address = running.stdout.readline().strip()
    assert address.startswith("127.0.0.1:")
    assert list(tmp_path.glob("penstock-kafka-*")) != []
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=30) == 0
    assert list(tmp_path.glob("penstock-kafka-*")) == []


@pytest.mark.parametrize(("missing", "word"), [("java", "JRE"), ("fetched_jars", "maven")])
def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, word: str) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(launcher, "HERE", tmp_path)
    with pytest.raises(launcher.CannotStart, match=word):
        getattr(launcher, missing)()
