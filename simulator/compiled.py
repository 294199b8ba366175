"""What is compiled, and how its cache stays true.

numba's cache of a function knows a change of that function's own file only. A function that has pieces of *other*
files inside would go on with their old text. Here the name under which a function is cached carries a fingerprint
of all that it was made from: its code, that of every function of ours which it calls, wherever that stands, and
every constant that they name. A change of any of them is a cache of another name.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterator
from hashlib import sha256
from types import CodeType, ModuleType
from typing import ParamSpec, TypeVar

import numpy as np
from numba import njit
from numba.extending import register_jitable

P = ParamSpec("P")
R = TypeVar("R")

OURS = ("acd", "simulator")
"""the packages whose functions may be inside of one that is compiled"""


def inside(function: Callable[P, R]) -> Callable[P, R]:
    """Part of a compiled function; plain Python where Python calls it."""
    made: Callable[P, R] = register_jitable(forceinline=True)(function)
    return made


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at the first call, or load what an earlier process compiled from the very same sources.

    It holds no GIL while it runs, tests no bounds, and adds and multiplies floats in the order in which they are
    written: the same bits everywhere.
    """
    function.__qualname__ = f"{function.__qualname__}_{fingerprint(function)[:16]}"
    made: Callable[P, R] = njit(cache=True, nogil=True, error_model="numpy")(function)
    return made


def fingerprint(function: object) -> str:
    """A word that changes when the function does, or anything of ours that it uses. Nothing is read from files."""
    said, seen = sha256(_spelt(inside.__code__) + _spelt(compiled.__code__)), set[int]()
    open_ = [("", function)]
    while open_:
        name, value = open_.pop()
        value = getattr(value, "py_func", value)
        code = getattr(value, "__code__", None)
        if isinstance(value, np.ndarray):
            said.update(name.encode() + value.tobytes())
        elif not isinstance(code, CodeType):
            said.update(f"{name}={value!r};".encode())
        elif id(value) not in seen:
            seen.add(id(value))
            said.update(name.encode() + _spelt(code))
            open_ += _used(code, value.__globals__)  # type: ignore[attr-defined]
    return said.hexdigest()


def _used(code: CodeType, known: dict[str, object]) -> Iterator[tuple[str, object]]:
    """Our functions and all constants that some code names, also those of modules that it names."""
    names = sorted(_names(code))
    for name in names:
        value = known.get(name)
        if isinstance(value, ModuleType) and value.__name__.partition(".")[0] in OURS:
            yield from ((f"{name}.{n}", getattr(value, n)) for n in names if _counts(getattr(value, n, None)))
        elif _counts(value):
            yield name, value


def _counts(value: object) -> bool:
    function = getattr(value, "py_func", value)
    if isinstance(getattr(function, "__code__", None), CodeType):
        return str(getattr(function, "__module__", "")).partition(".")[0] in OURS
    return isinstance(value, bool | int | float | np.generic | np.ndarray)


def _names(code: CodeType) -> set[str]:
    return set(code.co_names).union(*(_names(c) for c in code.co_consts if isinstance(c, CodeType)))


def _spelt(code: CodeType) -> bytes:
    """Code without the place of its file and its lines."""
    constants = [_spelt(c) if isinstance(c, CodeType) else repr(c).encode() for c in code.co_consts]
    return marshal.dumps((code.co_code, code.co_names, code.co_varnames, constants))
