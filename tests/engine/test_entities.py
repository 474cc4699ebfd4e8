from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest

from penstock.engine.entities import Entities, Entity


def entities(*some: Entity) -> Entities:
    held = Entities(msgspec.msgpack.encode, msgspec.msgpack.decode)
    for entity in some:
        held.put(entity)
    return held


def entity(name: str, sequence: int = 1, state: object = "s") -> Entity:
    return Entity(name, sequence, "h" * 64, state)


def digest(held: Entities) -> str:
    list(held.settle())
    return held.digest()


def restored(packed: Iterable[tuple[str, bytes | None]]) -> Entities:
    held = entities()
    for key, value in packed:
        held.restore(key, value)
    return held


def test_what_was_put_is_found_before_and_after_it_is_packed() -> None:
    held = entities(entity("a"))
    assert held.get("a") == entity("a")
    list(held.settle())
    assert held.get("a") == entity("a")
    assert held.get("b") is None


def test_the_digest_does_not_depend_on_the_order() -> None:
    assert digest(entities(entity("a"), entity("b"))) == digest(entities(entity("b"), entity("a")))


@pytest.mark.parametrize("other", [entity("a", 2), entity("b"), entity("a", state="t"), Entity("a", 1, "g" * 64, "s")])
def test_the_digest_tells_every_difference(other: Entity) -> None:
    assert digest(entities(entity("a"))) != digest(entities(other))


def test_the_digest_is_that_of_the_last_state_however_it_came_about() -> None:
    changed = entities(entity("a"))
    list(changed.settle())
    changed.put(entity("a", 2))
    assert digest(changed) == digest(entities(entity("a", 2)))


def test_an_ended_entity_leaves_its_mark() -> None:
    held = entities(entity("a"))
    before = digest(held)
    held.end(entity("a", 2), "completed", {"n": 1})
    assert len(held) == 0
    assert digest(held) not in {before, digest(entities())}


def test_ended_entities_with_different_outputs_are_told_apart() -> None:
    first, second = entities(), entities()
    first.end(entity("a"), "completed", {"n": 1})
    second.end(entity("a"), "completed", {"n": 2})
    assert digest(first) != digest(second)


def test_the_digest_is_refused_while_something_is_not_settled() -> None:
    with pytest.raises(ValueError, match="settled"):
        entities(entity("a")).digest()


def test_only_what_changed_is_packed_and_what_ended_is_forgotten() -> None:
    held = entities(entity("a"), entity("b"))
    assert {key for key, _ in held.settle()} == {"a", "b"}
    held.put(entity("b", 2))
    held.end(entity("a", 2), "completed", None)
    assert {key: value is None for key, value in held.settle()} == {"a": True, "b": False}
    assert list(held.settle()) == []


def test_what_ends_between_two_checkpoints_is_never_packed() -> None:
    held = entities(entity("a"))
    held.end(entity("a", 2), "completed", None)
    assert list(held.settle()) == []


def test_restored_entities_have_the_digest_of_those_that_were_packed() -> None:
    held = entities(entity("a"), entity("b"))
    packed = list(held.settle())
    assert restored(packed).digest() == held.digest()
    assert restored([*packed, ("b", None)]).digest() == digest(entities(entity("a")))
