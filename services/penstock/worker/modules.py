"""Finds handlers where a command line names them: modules, files, folders."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from penstock.runtime.supervise import Raised, outcome_of_call
from penstock.sdk.errors import HandlerInvalid, ModuleInvalid
from penstock.sdk.task import Handler, handlers_of


def load_handlers(places: Sequence[str | Path]) -> tuple[Handler, ...]:
    """
    The handlers in ``places``: ``package.module``, ``path/to/file.py``, or a folder with such files (those whose names
    begin with ``_`` or ``test_`` are passed over).

    Raises:
        ModuleInvalid: one cannot be loaded, or holds no handler; the message says which and why.

    """
    handlers: list[Handler] = []
    for place in places:
        found = handlers_in(place)
        if not found:
            raise ModuleInvalid(f"expected a function with @task in {place}, but there is none")
        handlers += found
    try:
        return handlers_of(handlers)
    except HandlerInvalid as error:
        raise ModuleInvalid(str(error)) from error


def handlers_in(place: str | Path) -> tuple[Handler, ...]:
    """The handlers in one place, which may hold none. Raises as ``load_handlers``."""
    return tuple(handler for module in _modules(place) for handler in _in(module))


def _modules(place: str | Path) -> list[ModuleType]:
    path = Path(place)
    if path.is_dir():
        files = sorted(file for file in path.glob("*.py") if not file.name.startswith(("_", "test_")))
        return [_from_file(file) for file in files]
    if path.suffix == ".py" or isinstance(place, Path) or "/" in place:
        if not path.is_file():
            raise ModuleInvalid(f"expected a file or a folder of handlers at {place}, but there is none")
        return [_from_file(path)]
    return [_from_name(place)]


def _from_name(name: str) -> ModuleType:
    """As ``python -m`` would find it: from the present folder as well."""
    if not all(part.isidentifier() for part in name.split(".")):
        raise ModuleInvalid(f"expected a module such as shop.handlers, or a file, but got {name!r}")
    _reachable(Path.cwd())
    module = outcome_of_call(importlib.import_module, {"name": name})
    if isinstance(module, Raised):
        error = module.error
        if isinstance(error, ModuleNotFoundError) and error.name and f"{name}.".startswith(f"{error.name}."):
            raise ModuleInvalid(
                f"expected a module {name!r}, but there is no {error.name!r}: is the package installed, or in "
                "the present folder?"
            ) from error
        raise _broken(name, error) from error
    return module


def _from_file(path: Path) -> ModuleType:
    """Under its own name, where that is free; what lies beside it can be imported."""
    path = path.resolve()
    _reachable(path.parent)
    loaded = sys.modules.get(path.stem)
    if loaded is not None and getattr(loaded, "__file__", None) == str(path):
        return loaded
    taken = loaded is not None or path.stem in sys.stdlib_module_names or not path.stem.isidentifier()
    name = f"penstock_handlers_{abs(hash(str(path))):x}" if taken else path.stem
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ModuleInvalid(f"expected Python in {path}, but it cannot be loaded")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    outcome = outcome_of_call(spec.loader.exec_module, {"module": module})
    if isinstance(outcome, Raised):
        del sys.modules[name]
        raise _broken(str(path), outcome.error) from outcome.error
    return module


def _in(module: ModuleType) -> tuple[Handler, ...]:
    try:
        return handlers_of(module)
    except HandlerInvalid as error:
        raise ModuleInvalid(f"{module.__name__}: {error}") from error


def _reachable(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _broken(place: str, error: BaseException) -> ModuleInvalid:
    """With the last line of it that is not ours."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
    at = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames and frames[-1].filename != __file__ else ""
    return ModuleInvalid(f"expected {place} to load, but it raised {type(error).__name__}: {error}{at}")
