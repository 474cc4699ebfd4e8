"""What a process is told when it starts: flags, then ``PENSTOCK_*`` variables, then a TOML file, then defaults."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import AnyHttpUrl, Field, SecretStr, TypeAdapter, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from penstock.domain.definition.model import Transport

PREFIX: Final = "PENSTOCK_"
DEFAULT_FILE: Final = "penstock.toml"
DEV_FOLDER: Final = ".penstock"
DEV_LOG: Final = "log.sqlite"
LOG_FORMS: Final = "memory:, sqlite:PATH or kafka://HOST:PORT[,HOST:PORT]"

_EXPECTED: Final = {
    "int_parsing": "expected a whole number",
    "int_type": "expected a whole number",
    "string_type": "expected a text",
    "string_pattern_mismatch": "expected letters, digits, '.', '_' and '-'",
    "path_type": "expected a path",
}
_SYNONYMS: Final = {"POSTGRES_URL": "tables"}
_URL: Final = TypeAdapter(AnyHttpUrl)


class SettingsInvalid(ValueError):
    """A setting cannot be what it is; the text says which one, where it came from, and what was expected."""


class Settings(BaseSettings):
    """All settings of all services; each takes the few that it needs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True)

    log: str | None = Field(None, description="the log: memory:, sqlite:PATH or kafka://HOST:PORT[,HOST:PORT]")
    tables: str | None = Field(None, description="the Postgres of the read models: postgresql://...")
    prefix: str = Field("penstock", pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$", description="prefix of all topics")
    partitions: int = Field(4, ge=1, le=1000, description="partitions of the topics that are created")
    group: str = Field("penstock-engine", min_length=1, description="consumer group of the engines")
    member: str = Field("", description="name of this process in its groups that survives a restart")
    transport: Transport = Field("log", description="transport of queues that no definition declares: log or http")
    host: str = Field("127.0.0.1", description="address on which the gateway listens")
    port: int = Field(8400, ge=0, le=65535, description="port on which the gateway listens; 0 takes a free one")
    operations_port: int | None = Field(
        None, ge=0, le=65535, description="port for /healthz, /readyz and /metrics of engine and projector"
    )
    api_token: SecretStr | None = Field(None, description="bearer token that the gateway asks for")
    allow_unprotected: bool = Field(
        False, description="listen for others without a token, behind something that checks"
    )
    url: str = Field("http://127.0.0.1:8400", description="the gateway that client commands speak to")
    data: Path = Field(Path(DEV_FOLDER), description="folder of the log and the Postgres of `penstock dev`")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level that is logged")
    log_format: Literal["auto", "console", "json"] = Field("auto", description="auto: console on a terminal, else json")

    @field_validator("log")
    @classmethod
    def _log_has_a_known_form(cls, value: str | None) -> str | None:
        if value is None:
            return None
        scheme, _, rest = value.partition(":")
        known = scheme == "memory" or (scheme == "sqlite" and rest) or (scheme == "kafka" and rest.strip("/"))
        if not known or (scheme == "kafka" and not rest.startswith("//")):
            raise ValueError(f"expected {LOG_FORMS}")
        return value

    @field_validator("tables")
    @classmethod
    def _tables_are_a_postgres(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
        return value

    @field_validator("url")
    @classmethod
    def _url_is_of_http(cls, value: str) -> str:
        try:
            _URL.validate_python(value)
        except ValidationError as error:
            raise ValueError("expected http://HOST:PORT") from error
        return value.rstrip("/")

    @property
    def token(self) -> str | None:
        return self.api_token.get_secret_value() if self.api_token else None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags and the file come through ``load_settings``, which knows their order."""
        return (init_settings,)


def load_settings(
    flags: Mapping[str, Any] | None = None,
    *,
    defaults: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] = os.environ,
    folder: Path | None = None,
) -> Settings:
    """
    The settings of this process. Flags that are None were not given; ``defaults`` replace those of ``Settings``.

    The file is that of the flag ``config``, of ``PENSTOCK_CONFIG``, or ``penstock.toml`` in ``folder``, if any.

    Raises:
        SettingsInvalid: a value is wrong, or a named file cannot be read.

    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    path = _file(given.pop("config", None), environ, folder or Path())
    layers = [
        ("the defaults", dict(defaults or {})),
        (str(path), _from_file(path)),
        ("the environment", _from_environment(environ)),
        ("the flags", given),
    ]
    merged = {name: value for _, layer in layers for name, value in layer.items()}
    try:
        return Settings(**merged)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise SettingsInvalid(_sentence(first, layers, environ)) from error


def _file(flag: str | Path | None, environ: Mapping[str, str], folder: Path) -> Path | None:
    named = flag or environ.get(PREFIX + "CONFIG")
    if named:
        return Path(named).expanduser()
    usual = folder / DEFAULT_FILE
    return usual if usual.is_file() else None


def _from_file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsInvalid(f"expected a settings file at {path}, but {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"expected TOML in {path}, but {error}") from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables of ours that are no setting (those of the tests, of tools) are somebody else's."""
    given = {}
    for variable, name in _variables().items():
        if value := environ.get(variable):
            given[name] = value
    return given


def _variables() -> dict[str, str]:
    """Synonyms first, so that the proper name wins."""
    synonyms = {PREFIX + variable: name for variable, name in _SYNONYMS.items()}
    return synonyms | {PREFIX + name.upper(): name for name in Settings.model_fields}


def _sentence(error: ErrorDetails, layers: list[tuple[str, dict[str, Any]]], environ: Mapping[str, str]) -> str:
    name = str(error["loc"][0])
    source, value = next(((source, layer[name]) for source, layer in reversed(layers) if name in layer), ("", None))
    if error["type"] == "extra_forbidden":
        near = get_close_matches(name, Settings.model_fields, n=1)
        return f"{source}: there is no setting {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
    said = _EXPECTED.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    said = said if said.startswith("expected") else "expected " + said.removeprefix("Input should be ")
    shown = "***" if name in ("api_token", "tables") else repr(value)
    return f"{_place(name, source, environ)}: {said}, but got {shown}"


def _place(name: str, source: str, environ: Mapping[str, str]) -> str:
    if source == "the flags":
        return "--" + name.replace("_", "-")
    if source == "the environment":
        return next(v for v, of in reversed(_variables().items()) if of == name and environ.get(v))
    return f"{source}, {name}"
