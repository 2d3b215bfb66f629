"""A user's feature builders: found, imported afresh and called, whatever their code does."""

import importlib
import sys
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Protocol

import pandas as pd

from foxml_assets.core.errors import BuilderError, Problem
from foxml_assets.panel.data_config import FeatureBuilder
from foxml_assets.panel.source import file_fingerprint

_IMPORT_FIX = (
    "name it as package.module:function under `panel.builders`, and run foxml in the folder that holds the"
    " package, or install it"
)


class BuildFunction(Protocol):
    """Rows of the source in, long format, to rows of (time, symbol) with features out."""

    def __call__(self, frame: pd.DataFrame, /) -> pd.DataFrame: ...


def builder_code(builder: FeatureBuilder) -> str:
    """What stands for the code of `builder`: its `version`, else the hash of its module's file.

    Raises BuilderError for a module that is not there, or has no file.
    """
    if builder.version is not None:
        return f"version {builder.version}"
    with working_directory_first():
        return file_fingerprint(_module_file(builder))


def load_builder(builder: FeatureBuilder) -> BuildFunction:
    """The function of `builder`, its module executed anew: what was edited or kept in it before is gone.

    Call it, and what it returns, inside `working_directory_first`. Raises BuilderError.
    """
    name, _, attribute = builder.function.partition(":")
    _module_file(builder)
    with UserCode(builder, "cannot be imported", _IMPORT_FIX):
        module = importlib.import_module(name) if name not in sys.modules else _again(name)
    function = getattr(module, attribute, None)
    if not callable(function):
        what = "is not in its module" if function is None else "is no function"
        raise BuilderError(f"the feature builder {builder.function} {what}", fix=_IMPORT_FIX)
    found: BuildFunction = function
    return found


@contextmanager
def working_directory_first() -> Iterator[None]:
    """Modules of the working directory can be imported, before all others; no bytecode is left there."""
    here, wrote_nothing = str(Path.cwd()), sys.dont_write_bytecode
    sys.path.insert(0, here)
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(here)
        sys.dont_write_bytecode = wrote_nothing


class UserCode(AbstractContextManager[None]):
    """Turns whatever the block's code of the user raises into a BuilderError that says where it did.

    Only a context manager can do so for every error without ever swallowing one.
    """

    def __init__(self, builder: FeatureBuilder, what: str, fix: str) -> None:
        self._builder, self._what, self._fix = builder, what, fix

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, Exception):
            return
        frames = traceback.extract_tb(trace)
        # Of the user's own code, as far as there is any: libraries it calls say less.
        own = [one for one in frames if "site-packages" not in one.filename and "<" not in one.filename]
        frame = (own or frames)[-1]
        place = f"{Path(frame.filename).name}, line {frame.lineno}"
        problem = Problem(f"{type(error).__name__} in {place}", str(error) or "without a message")
        raise BuilderError(
            f"the feature builder {self._builder.function} {self._what}", problems=[problem], fix=self._fix
        ) from error


def _again(name: str) -> object:
    return importlib.reload(sys.modules[name])


def _module_file(builder: FeatureBuilder) -> Path:
    name = builder.function.partition(":")[0]
    with UserCode(builder, "cannot be imported", _IMPORT_FIX):
        # To find a module executes the packages above it, which are the user's code too.
        spec = find_spec(name)
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        what = "cannot be found" if spec is None else "has no source file: give the builder a `version`"
        raise BuilderError(
            f"the feature builder {builder.function} cannot be imported",
            problems=[Problem(f"module {name}", what)],
            fix=_IMPORT_FIX,
        )
    return Path(spec.origin)
