"""The rule that CI never passes over a test of a real server."""

from __future__ import annotations

import pytest

SUITE = """
    import pytest

    @pytest.fixture
    def kafka():
        pytest.skip("no broker here")

    def test_of_a_broker(kafka): ...

    @pytest.mark.postgres
    @pytest.mark.skip(reason="no server here")
    def test_of_a_table(): ...

    @pytest.mark.skip(reason="of no server at all")
    def test_of_nothing(): ...

    @pytest.mark.kafka
    @pytest.mark.xfail(reason="known")
    def test_known_to_fail():
        raise AssertionError
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\nmarkers =\n    kafka: x\n    postgres: x\n")
    pytester.makeconftest('pytest_plugins = ["tests.providers.marks"]')
    pytester.makepyfile(SUITE)
    return pytester


def test_a_skipped_test_of_a_server_fails_the_run_in_ci(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    result = suite.runpytest()
    # A skip inside a fixture is an error of the set-up once it is not let through.
    result.assert_outcomes(errors=2, skipped=1, xfailed=1)


def test_elsewhere_it_is_skipped(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    suite.runpytest().assert_outcomes(skipped=3, xfailed=1)


def test_a_test_that_uses_a_server_bears_its_mark(suite: pytest.Pytester) -> None:
    result = suite.runpytest("--collect-only", "-q", "-m", "kafka")
    result.stdout.fnmatch_lines(["*test_of_a_broker*", "*test_known_to_fail*"])
    result.stdout.no_fnmatch_line("*test_of_nothing*")
