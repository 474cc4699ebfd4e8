"""``penstock message`` and ``penstock signal``: reach executions without knowing which, through the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.execute import Code, execute
from penstock.cli.given import json_of
from penstock.cli.options import Config, Json, Token, Url, examples

if TYPE_CHECKING:
    from penstock.sdk.executions import Receipt

message = typer.Typer(no_args_is_help=True, help="Messages: each goes to one execution that waits for it, or will.")
signal = typer.Typer(no_args_is_help=True, help="Signals: each reaches every execution that waits for it now.")

Payload = Annotated[str, typer.Option("--payload", "-p", metavar="JSON|@FILE|-", help="what it says, as JSON")]


def add_to(app: typer.Typer) -> None:
    app.add_typer(message, name="message", epilog=examples("message send payment-received --key order-4711"))
    app.add_typer(signal, name="signal", epilog=examples("signal broadcast stock-taking"))


@message.command(
    epilog=examples(
        "message send payment-received --key order-4711 --payload '{\"amount\": 1200}'",
        "message send payment-received --key order-4711 --payload @payment.json --ttl 3600 --id payment-17",
    )
)
def send(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="name of the message")],
    key: Annotated[str, typer.Option("--key", "-k", metavar="KEY", help="the correlation key: who waits has the same")],
    payload: Payload = "null",
    ttl: Annotated[
        float | None, typer.Option("--ttl", metavar="SECONDS", help="how long it is kept for somebody [7 days]")
    ] = None,
    id_: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="the same id is the same message [a new one]")
    ] = None,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """Send a message to one execution: the first that waits for its name and key, or the next one that will."""
    flags = {"url": url, "api_token": api_token, "config": config}
    execute(lambda: _send(name, key, {"payload": json_of(payload, "--payload"), "ttl": ttl, "id": id_}, json, flags))


@signal.command(
    epilog=examples("signal broadcast stock-taking", 'signal broadcast stock-taking --payload \'{"until": "noon"}\'')
)
def broadcast(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="name of the signal")],
    payload: Payload = "null",
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """Reach every execution that waits for the signal now; for all others it is lost."""
    execute(
        lambda: _broadcast(
            name, json_of(payload, "--payload"), json, {"url": url, "api_token": api_token, "config": config}
        )
    )


async def _send(name: str, key: str, given: Mapping[str, Any], json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of

    async with client_of(flags) as client:
        return _print(await client.send_message(name, key, **given), json)


async def _broadcast(name: str, payload: Any, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of

    async with client_of(flags) as client:
        return _print(await client.broadcast_signal(name, payload), json)


def _print(receipt: Receipt, json: bool) -> int:
    from penstock.cli.screen import print_json

    print_json({"id": receipt.id, "token": receipt.token}) if json else print(receipt.id)
    return Code.OK
