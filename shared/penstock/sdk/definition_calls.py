"""What a ``Client`` can ask about definitions: publish, drafts, the life of versions, comparisons."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from penstock.sdk.definition_versions import Compatible, Diff, Draft, DraftReceipt, VersionLine
from penstock.sdk.executions import Publication, Published, Receipt
from penstock.sdk.gateway_calls import Calls, Page
from penstock.sdk.sources import Built


class DefinitionCalls:
    """The part of a ``Client`` that is about definitions."""

    def __init__(self, calls: Calls, by: str) -> None:
        self._calls, self._by = calls, by

    async def publish(self, source: Built | Mapping[str, Any] | str | Path) -> Publication:
        """Publish a definition: one that was built, a mapping, YAML or JSON text, or a file of one of these."""
        content = await _content(source)
        return await self._calls.command("/definitions", Publication, content=content, query={"by": self._by})

    async def definition(self, id: str, version: str, *, min_token: str | None = None) -> Published:  # noqa: A002
        """One version of a definition, with its source and its graph."""
        return await self._calls.get(_version(id, version), Published, {"min_token": min_token})

    async def versions(self, id: str, *, min_token: str | None = None) -> Sequence[VersionLine]:  # noqa: A002
        """The history of a definition: its draft, if it has one, then its versions, the latest first."""
        path = f"{_path(id)}/versions"
        return (await self._calls.get(path, Page[VersionLine], {"min_token": min_token})).items

    async def activate(self, id: str, version: str) -> Receipt:  # noqa: A002
        """Let new executions use this version."""
        return await self._calls.command(f"{_version(id, version)}/activate", Receipt, query={"by": self._by})

    async def deactivate(self, id: str, version: str) -> Receipt:  # noqa: A002
        """Refuse new executions of this version; running ones go on."""
        return await self._calls.command(f"{_version(id, version)}/deactivate", Receipt, query={"by": self._by})

    async def archive(self, id: str, version: str) -> Receipt:  # noqa: A002
        """Refuse new executions of this version for ever; running ones go on."""
        return await self._calls.command(f"{_version(id, version)}/archive", Receipt, query={"by": self._by})

    async def save_draft(
        self,
        id: str,  # noqa: A002
        source: Built | Mapping[str, Any] | str | Path,
        *,
        expected_revision: int | None = None,
    ) -> DraftReceipt:
        """
        Keep the draft of a definition, which may have errors.

        Raises:
            Rejected: DRAFT_CHANGED: it is not at ``expected_revision`` (0: there must be none) any more.

        """
        query = {"by": self._by, "expected_revision": expected_revision}
        content = await _content(source)
        return await self._calls.command(f"{_path(id)}/draft", DraftReceipt, content=content, query=query, method="PUT")

    async def draft(self, id: str, *, min_token: str | None = None) -> Draft:  # noqa: A002
        return await self._calls.get(f"{_path(id)}/draft", Draft, {"min_token": min_token})

    def drafts(self, *, min_token: str | None = None) -> AsyncIterator[Draft]:
        """The drafts of all definitions, without sources and findings."""
        return self._calls.pages("/drafts", Page[Draft], {"min_token": min_token})

    async def discard_draft(self, id: str, *, expected_revision: int | None = None) -> Receipt:  # noqa: A002
        query = {"by": self._by, "expected_revision": expected_revision}
        return await self._calls.command(f"{_path(id)}/draft", Receipt, query=query, method="DELETE")

    async def publish_draft(self, id: str, revision: int) -> Receipt:  # noqa: A002
        """Make a version of the draft, if it is still at ``revision``."""
        query = {"by": self._by, "revision": revision}
        return await self._calls.command(f"{_path(id)}/draft/publish", Receipt, query=query)

    async def diff(self, id: str, old: str, new: str, *, min_token: str | None = None) -> Diff:  # noqa: A002
        """What is different between two versions."""
        return await self._calls.get(f"{_path(id)}/diff", Diff, {"from": old, "to": new, "min_token": min_token})

    def compatibility(
        self,
        id: str,  # noqa: A002
        old: str,
        new: str,
        *,
        execution: str | None = None,
        min_token: str | None = None,
    ) -> AsyncIterator[Compatible]:
        """For each execution of ``old`` that has not ended, or for this one, whether it could go on under ``new``."""
        query = {"from": old, "to": new, "execution": execution, "min_token": min_token}
        return self._calls.pages(f"{_path(id)}/compatibility", Page[Compatible], query)


async def _content(source: Built | Mapping[str, Any] | str | Path) -> tuple[bytes, str]:
    """The bytes of a definition, and their media type."""
    if isinstance(source, Path):
        source = await asyncio.to_thread(source.read_text, "utf-8")
    if isinstance(source, str):
        media = "application/json" if source.lstrip().startswith("{") else "application/yaml"
        return source.encode(), media
    given = source.to_dict() if isinstance(source, Built) else source
    return msgspec.json.encode(given), "application/json"


def _path(definition_id: str) -> str:
    return f"/definitions/{quote(definition_id, safe='')}"


def _version(definition_id: str, version: str) -> str:
    return f"{_path(definition_id)}/versions/{quote(version, safe='')}"
