"""The 43 workflow control-flow patterns: for each a process, and a story that proves it."""

import pytest

pytest.register_assert_rewrite("tests.patterns.run", "tests.patterns.embedded_stage")
