from __future__ import annotations

from pathlib import Path

import pytest

from penstock.runtime.settings import Settings, SettingsInvalid, load_settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "penstock.toml"
    path.write_text('port = 1000\nprefix = "file"\nhost = "10.0.0.1"\n')
    return path


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings(environ={}, folder=tmp_path)
    assert (settings.port, settings.host, settings.partitions, settings.log) == (8400, "127.0.0.1", 4, None)


def test_flags_win_over_variables_and_variables_over_the_file(file: Path) -> None:
    environ = {"PENSTOCK_PORT": "2000", "PENSTOCK_PREFIX": "variable"}
    settings = load_settings({"port": 3000, "config": file}, environ=environ)
    assert (settings.port, settings.prefix, settings.host) == (3000, "variable", "10.0.0.1")


def test_a_flag_that_was_not_given_hides_nothing(file: Path) -> None:
    assert load_settings({"port": None, "config": file}, environ={}).port == 1000


def test_the_defaults_of_a_command_lie_below_the_file(file: Path) -> None:
    settings = load_settings({"config": file}, defaults={"port": 1, "partitions": 1}, environ={})
    assert (settings.port, settings.partitions) == (1000, 1)


def test_the_file_of_the_folder_is_read_unless_another_is_named(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("port = 7\n")
    assert load_settings(environ={}, folder=file.parent).port == 1000
    assert load_settings(environ={"PENSTOCK_CONFIG": str(other)}, folder=file.parent).port == 7


def test_the_proper_name_of_the_tables_wins_over_its_synonym() -> None:
    synonym = {"PENSTOCK_POSTGRES_URL": "postgresql://synonym"}
    assert load_settings(environ=synonym).tables == "postgresql://synonym"
    both = {**synonym, "PENSTOCK_TABLES": "postgresql://proper"}
    assert load_settings(environ=both).tables == "postgresql://proper"


def test_variables_that_are_no_setting_are_left_to_others() -> None:
    assert load_settings(environ={"PENSTOCK_TEST_KAFKA": "127.0.0.1:1"}) == load_settings(environ={})


@pytest.mark.parametrize("log", ["memory:", "sqlite:a.db", "kafka://h:1", "kafka://h:1,g:2"])
def test_every_form_of_a_log_is_taken(log: str) -> None:
    assert load_settings({"log": log}, environ={}).log == log


@pytest.mark.parametrize("log", ["", "sqlite:", "kafka:h:1", "kafka://", "redis://h"])
def test_what_is_no_log_is_refused(log: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"--log: expected memory:, sqlite:PATH or kafka://HOST:PORT"):
        load_settings({"log": log}, environ={})


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"PENSTOCK_PORT": "x"}, "PENSTOCK_PORT: expected a whole number, but got 'x'"),
        ({"PENSTOCK_PORT": "70000"}, "PENSTOCK_PORT: expected less than or equal to 65535, but got '70000'"),
        ({"PENSTOCK_URL": "nowhere"}, "PENSTOCK_URL: expected http://HOST:PORT, but got 'nowhere'"),
        ({"PENSTOCK_LOG_LEVEL": "loud"}, "PENSTOCK_LOG_LEVEL: expected 'debug', 'info', 'warning' or 'error', but got"),
        ({"PENSTOCK_PREFIX": "a b"}, "PENSTOCK_PREFIX: expected letters, digits, '.', '_' and '-', but got 'a b'"),
    ],
)
def test_a_wrong_variable_is_named(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsInvalid) as error:
        load_settings(environ=environ)
    assert str(error.value).startswith(sentence)


def test_a_wrong_value_in_the_file_is_named_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text('partitions = "many"')
    with pytest.raises(SettingsInvalid, match=r"x\.toml, partitions: expected a whole number, but got 'many'"):
        load_settings({"config": path}, environ={})


def test_an_unknown_name_in_the_file_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("partition = 3")
    with pytest.raises(SettingsInvalid, match="there is no setting 'partition'; did you mean 'partitions'"):
        load_settings({"config": path}, environ={})


def test_a_named_file_has_to_be_there_and_to_be_toml(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="No such file"):
        load_settings({"config": tmp_path / "none.toml"}, environ={})
    path = tmp_path / "x.toml"
    path.write_text("port = = 3")
    with pytest.raises(SettingsInvalid, match="expected TOML in"):
        load_settings({"config": path}, environ={})


def test_secrets_are_shown_nowhere() -> None:
    settings = load_settings({"api_token": "s3cret"}, environ={})
    assert settings.token == "s3cret"
    assert "s3cret" not in repr(settings)
    with pytest.raises(SettingsInvalid) as error:
        load_settings({"tables": "mysql://u:s3cret@h"}, environ={})
    assert "s3cret" not in str(error.value)


def test_every_setting_says_what_it_is_for() -> None:
    assert not [name for name, field in Settings.model_fields.items() if not field.description]
