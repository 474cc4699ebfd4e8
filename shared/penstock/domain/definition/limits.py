"""How large a definition may be, and what its names look like: one place for the reader and for the JSON Schema."""

from __future__ import annotations

from typing import Final

MAX_SOURCE: Final = 1 << 20
MAX_NODES: Final = 200_000
MAX_DEPTH: Final = 40
"""Below the 64 of a record, because a published definition stands some levels deep in its event."""

MAX_STEPS: Final = 5_000
MAX_TRANSITIONS: Final = 20_000
MAX_BRANCHES: Final = 1_000
MAX_NAME: Final = 200
MAX_DESCRIPTION: Final = 4_000
MAX_TAGS: Final = 50
MAX_CODES: Final = 100
MAX_SCHEMA_PARTS: Final = 2_000
MAX_ATTEMPTS: Final = 1_000
MAX_SECONDS: Final = 36_525 * 86_400
MAX_INTEGER: Final = 2**53
MAX_THREADS: Final = 1_000
MAX_ROUNDS: Final = 1_000_000
MAX_COPIES: Final = 1_000_000
MAX_VISITS: Final = 1_000_000_000
MAX_KEY: Final = 200
MAX_TRIGGERS: Final = 100
MAX_CATCHES: Final = 100
ALL_AT_ONCE: Final = 1_000_000_000
"""So many copies are never open together: the bound of those that have none."""

DEFINITION_ID: Final = r"^[a-z0-9][a-z0-9._-]{0,99}$"
STEP_ID: Final = r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$"
VARIABLE: Final = r"^[A-Za-z_][A-Za-z0-9_]{0,99}$"
TASK_TYPE: Final = r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$"
QUEUE: Final = r"^[a-z0-9][a-z0-9._-]{0,99}$"
SUBJECT: Final = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$"
"""The name of a message, a signal or a lock, which becomes part of a record's key."""

VERSION: Final = (
    r"^(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})"
    r"(-(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?"
    r"(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$"
)
MAX_VERSION: Final = 100

END: Final = "end"
"""Where a path ends, in the place of a step's id."""

RESERVED_VARIABLES: Final = ("steps", "variables", "now", "execution", "output")
RESERVED_WORDS: Final = ("and", "or", "not", "in", "true", "false", "null", "True", "False", "None", "AND", "OR", "NOT")
COPY_NAMES: Final = ("index",)
"""What the copies of a for-each see beside their items."""

RESERVED_QUEUES: Final = ("control",)
