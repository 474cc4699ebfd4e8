"""What a person types into Kafka's console producer: text, written by hand, and nothing of the product."""

from __future__ import annotations

import secrets
import time

DEFINITION = """
{"id": "parcels", "version": "1.0.0",
 "steps": {
   "weigh": {"task": "weigh", "output": {"grams": "{{ output.grams }}"},
             "retry": {"attempts": 2, "backoff": "50ms"},
             "next": [{"when": "grams > 1000", "next": "cool_down"}, {"otherwise": "ship"}]},
   "cool_down": {"wait": "1h", "next": "ship"},
   "ship": {"task": "ship", "timeout": "5m"}},
 "output": {"grams": "{{ grams }}", "to": "{{ to }}"}}
"""


def uuid7() -> str:
    """The id of a new execution, made by hand: milliseconds, version 7, variant 2, and chance."""
    milliseconds = time.time_ns() // 1_000_000
    number = milliseconds << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def one_line(text: str) -> str:
    return " ".join(text.split())


def publish() -> str:
    return one_line(f"""
        {{"specversion": "1.0", "type": "penstock.publish_definition.v1", "id": "publish-1", "source": "console",
          "subject": "parcels", "data": {{"source": {DEFINITION}, "by": "ann"}}}}""")


def command(kind: str, execution: str, data: str, id_: str = "") -> str:
    """``data`` is JSON as it stands. Only what a command needs: no content type, no source, no time."""
    return one_line(f"""
        {{"type": "penstock.{kind}.v1", "id": "{id_ or secrets.token_hex(8)}", "subject": "{execution}",
          "data": {data}}}""")
