from __future__ import annotations

import pytest

from penstock.runtime.settings import PREFIX, Settings
from tests.docs.reference_pages import REFERENCE, pages


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_the_page_says_what_the_code_does(path: object) -> None:
    expected = {str(page): text for page, text in pages().items()}
    with open(str(path), encoding="utf-8") as file:
        assert file.read() == expected[str(path)], "renew it: python -m tests.docs.reference_pages"


def test_every_setting_is_on_its_page() -> None:
    text = (REFERENCE / "settings.md").read_text()
    assert all(f"`{PREFIX}{name.upper()}`" in text for name in Settings.model_fields)
