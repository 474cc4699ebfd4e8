"""Holds docker-compose.yml against the code: it is parsed here, not run, for which an engine would be needed."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from importlib.util import find_spec

import pytest
import yaml

from penstock.gateway import operations
from penstock.gateway.settings import GatewaySettings
from penstock.log.kafka_driver import MAX_BATCH, KafkaSettings
from penstock.log.kafka_topics import configs
from penstock.log.topics import COMMANDS, EVENTS, product_topics
from penstock.runtime.settings import PREFIX, Settings, load_settings
from penstock.standalone import PARTS, gateway_settings
from tests.commands import CommandUnknown, parse
from tests.deploy import compose
from tests.providers import kafka as kafka_provider
from tests.providers import postgres as postgres_provider

SERVICES = compose.services()


def settings_of(name: str) -> Settings:
    environ = {key: compose.filled(value) for key, value in compose.environment(name).items()}
    return load_settings(environ=environ, folder=compose.DOCKERFILE.parent)


def test_the_services_of_the_product_are_there() -> None:
    assert set(SERVICES) == {*compose.OURS, *compose.THEIRS}
    assert set(PARTS) <= set(SERVICES)


@pytest.mark.parametrize("name", compose.OURS)
def test_every_variable_of_ours_is_a_setting(name: str) -> None:
    ours = [key for key in compose.environment(name) if key.startswith(PREFIX)]
    assert ours
    assert {key.removeprefix(PREFIX).lower() for key in ours} <= set(Settings.model_fields)


@pytest.mark.parametrize("name", compose.OURS)
def test_every_value_of_a_setting_is_taken(name: str) -> None:
    settings = settings_of(name)
    assert settings.log == "kafka://kafka:9092"
    assert settings.partitions == settings_of("topics").partitions
    assert settings.prefix == settings_of("topics").prefix


@pytest.mark.parametrize("name", compose.OURS)
def test_every_command_line_is_one_of_the_product(name: str) -> None:
    path, values = parse(SERVICES[name]["command"])
    if path == ("serve",):
        assert set(values["services"]) <= set(PARTS)
        assert values["services"] == [name]
    if path == ("worker",):
        assert all(find_spec(module) for module in values["modules"])


def test_a_command_line_that_is_none_would_be_found() -> None:
    with pytest.raises(CommandUnknown):
        parse(["topics", "aply"])


@pytest.mark.parametrize("name", ["projector", "gateway"])
def test_who_needs_tables_has_them(name: str) -> None:
    given = compose.environment("postgres")
    password = compose.GIVEN["POSTGRES_PASSWORD"]
    wanted = f"postgresql://{given['POSTGRES_USER']}:{password}@postgres:5432/{given['POSTGRES_DB']}"
    assert settings_of(name).tables == wanted


@pytest.mark.parametrize("name", ["topics", "engine", "worker"])
def test_who_needs_no_tables_knows_no_password(name: str) -> None:
    assert settings_of(name).tables is None
    assert settings_of(name).token is None


def test_the_gateway_asks_for_a_token_because_it_listens_for_others() -> None:
    settings: GatewaySettings = gateway_settings(settings_of("gateway"))
    settings.check()
    assert not settings.is_local
    assert settings.token
    assert not settings.allow_unprotected


def test_images_are_pinned() -> None:
    for name, service in SERVICES.items():
        image, _, tag = service["image"].rpartition(":")
        assert image, f"{name} has no tag"
        assert re.match(r"\d", tag), f"{name}: {tag}"
    bases = [argument.split()[0] for instruction, argument in compose.instructions() if instruction == "FROM"]
    assert bases == ["python:3.12-slim"] * 2


def test_the_image_bears_the_version_of_the_package() -> None:
    pyproject = (compose.TOP / "pyproject.toml").read_text()
    found = re.search(r'^version = "(.+)"$', pyproject, re.MULTILINE)
    assert found
    assert {SERVICES[name]["image"] for name in compose.OURS} == {f"penstock:{found[1]}"}


def test_no_secret_stands_in_a_file() -> None:
    text = compose.COMPOSE.read_text()
    for line in text.splitlines():
        if re.search(r"password|token|secret", line.partition("#")[0], re.IGNORECASE):
            assert "?" in dict(compose.references(line)).values(), line
    for line in compose.EXAMPLE.read_text().splitlines():
        name, _, value = line.partition("=")
        if re.search(r"password|token|secret", name, re.IGNORECASE) and not line.startswith("#"):
            assert value == "", line
    assert ".env" in (compose.TOP / ".gitignore").read_text().splitlines()


def test_the_example_names_every_variable_that_the_file_refers_to() -> None:
    referred = {name for name, _ in compose.references(compose.COMPOSE.read_text())}
    named = set(re.findall(r"^#?(\w+)=", compose.EXAMPLE.read_text(), re.MULTILINE))
    assert named == referred


def test_published_ports_are_those_of_this_machine_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", [*compose.OURS, *compose.THEIRS])
def test_nothing_runs_with_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    if name != "kafka":
        assert service["read_only"] is True


@pytest.mark.parametrize("name", [*compose.OURS, *compose.THEIRS])
def test_who_falls_is_started_again_and_a_task_is_not(name: str) -> None:
    assert SERVICES[name]["restart"] == ("no" if name == "topics" else "unless-stopped")


@pytest.mark.parametrize("name", ["engine", "projector", "gateway", "worker"])
def test_services_wait_for_the_topics(name: str) -> None:
    waits = SERVICES[name]["depends_on"]
    assert waits["kafka"] == {"condition": "service_healthy"}
    assert waits["topics"] == {"condition": "service_completed_successfully"}
    assert ("postgres" in waits) == (PREFIX + "TABLES" in compose.environment(name))


def test_data_lies_in_named_volumes() -> None:
    named = yaml.safe_load(compose.COMPOSE.read_text())["volumes"]
    mounted = {mount.split(":")[0]: mount.split(":")[1] for s in SERVICES.values() for mount in s.get("volumes", ())}
    assert set(mounted) == set(named)
    assert mounted["kafka-data"] == compose.environment("kafka")["KAFKA_LOG_DIRS"]


def kafka_properties() -> dict[str, str]:
    """As the official image understands its variables."""
    given = compose.environment("kafka").items()
    return {key.removeprefix("KAFKA_").lower().replace("_", "."): value for key, value in given}


def test_one_node_can_keep_transactions_and_groups() -> None:
    properties = kafka_properties()
    for name in (
        "transaction.state.log.replication.factor",
        "transaction.state.log.min.isr",
        "offsets.topic.replication.factor",
        "default.replication.factor",
        "min.insync.replicas",
    ):
        assert properties[name] == "1", name


def test_nothing_of_the_broker_contradicts_what_the_topics_need() -> None:
    """Each topic says itself how it is kept; the broker must not make others, and must take our batches and times."""
    properties = kafka_properties()
    for spec in product_topics(settings_of("topics").partitions):
        assert {"retention.ms", "cleanup.policy", "message.timestamp.type"} <= configs(spec).keys()
    assert properties["auto.create.topics.enable"] == "false"
    assert int(properties.get("message.max.bytes", 1_048_588)) >= MAX_BATCH
    session = KafkaSettings().session_timeout * 1000
    assert session <= int(properties.get("transaction.max.timeout.ms", 900_000))
    assert int(properties.get("group.min.session.timeout.ms", 6_000)) <= session


def test_events_have_as_many_partitions_as_commands() -> None:
    counts = {spec.name: spec.partitions for spec in product_topics(settings_of("topics").partitions)}
    assert counts[EVENTS] == counts[COMMANDS] == settings_of("topics").partitions


def test_kafka_is_reached_by_the_names_that_it_gives() -> None:
    properties = kafka_properties()
    advertised = dict(entry.split("://", 1) for entry in compose.filled(properties["advertised.listeners"]).split(","))
    listening = dict(entry.split("://", 1) for entry in properties["listeners"].split(","))
    assert f"kafka://{advertised['PLAINTEXT']}" == settings_of("engine").log
    published = compose.filled(SERVICES["kafka"]["ports"][0])
    assert published == f"{advertised['HOST']}:{listening['HOST'].rpartition(':')[2]}"
    assert set(listening) == {name.split(":")[0] for name in properties["listener.security.protocol.map"].split(",")}


def test_kafka_is_of_one_version_everywhere() -> None:
    pom = ET.parse(compose.TOP / "deploy" / "kafka-local" / "pom.xml").getroot()
    version = pom.findtext("{*}properties/{*}kafka.version")
    assert version
    assert SERVICES["kafka"]["image"] == kafka_provider.IMAGE == f"apache/kafka:{version}"
    assert SERVICES["postgres"]["image"] == postgres_provider.IMAGE


def instruction(name: str) -> str:
    (found,) = [argument for instruction, argument in compose.instructions() if instruction == name]
    return found


def test_the_image_runs_the_product_as_nobody_in_particular() -> None:
    assert instruction("ENTRYPOINT") == '["penstock"]'
    assert instruction("USER") == "10001:10001"
    assert [name for name, _ in compose.instructions()].count("FROM") == 2
    assert 'penstock = "penstock.cli.main:run"' in (compose.TOP / "pyproject.toml").read_text()


def test_the_image_sets_nothing_but_settings() -> None:
    variables = re.findall(rf"\b({PREFIX}\w+)=", " ".join(a for name, a in compose.instructions() if name == "ENV"))
    assert variables
    assert {name.removeprefix(PREFIX).lower() for name in variables} <= set(Settings.model_fields)


def test_the_health_of_the_image_is_asked_at_a_route_that_exists() -> None:
    asked = instruction("HEALTHCHECK")
    paths = {getattr(route, "path", "") for route in operations.router.routes}
    assert "/healthz" in asked
    assert "/healthz" in paths
    assert f"'{Settings.model_fields['port'].default}'" in asked
    listening = {
        name
        for name in compose.OURS
        if name == "gateway" or SERVICES[name]["environment"].get("PENSTOCK_OPERATIONS_PORT") == "8400"
    }
    assert listening == {"engine", "projector", "gateway"}
    unchecked = {name for name in compose.OURS if SERVICES[name].get("healthcheck") == {"disable": True}}
    assert unchecked == set(compose.OURS) - listening


def test_what_the_image_is_built_from_reaches_it() -> None:
    """Whatever is copied has to be let in by the ignore file, which begins with shutting everything out."""
    lines = (compose.DOCKERFILE.parent / "Dockerfile.dockerignore").read_text().splitlines()
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert "*" in lines
    copied = [a for name, a in compose.instructions() if name == "COPY" and not a.startswith("--from")]
    sources = {source for argument in copied for source in argument.split()[:-1]}
    assert sources == allowed
    assert all((compose.TOP / source).exists() for source in sources)
