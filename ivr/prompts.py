"""The prompt library's names: which sound file holds a prompt.

A prompt is a name in the library (``greeting``, see ``prompts.txt``) or a text in Chinese, as cities
write their notices. The engine, the survival program and the maker of the files agree on the file's name
here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_NAME = re.compile(r"[a-z0-9]+(?:[-/][a-z0-9]+)*")
TEXTS = "text"
"""The directory of the files for free texts."""


def is_name(prompt: str) -> bool:
    """Whether it names a prompt of the library; anything else is a text to be spoken."""
    return _NAME.fullmatch(prompt) is not None


def sound(prompt: str) -> str:
    """The sound's name as Asterisk plays it: relative to the library, without a suffix.

    >>> sound("greeting")
    'greeting'
    >>> sound("请稍候")
    'text/7bb3b78dd0ae'
    """
    if is_name(prompt):
        return prompt
    return f"{TEXTS}/{hashlib.sha256(normal(prompt).encode()).hexdigest()[:12]}"


def normal(text: str) -> str:
    """The text with runs of blanks made one: line breaks in a city file make no other recording."""
    return " ".join(text.split())


def read_prompts(text: str) -> dict[str, str]:
    """The library's standard prompts: one ``name<TAB>text`` a line, ``#`` begins a comment.

    Raises ``ValueError`` with the line's number for anything else.
    """
    prompts: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, tab, words = line.partition("\t")
        if not tab or not is_name(name) or not words.strip():
            raise ValueError(f"prompts.txt:{number}: write a name (a-z, 0-9, -, /), a tab and the text")
        if name in prompts:
            raise ValueError(f"prompts.txt:{number}: {name} stands there twice; remove one")
        prompts[name] = normal(words)
    return prompts


def texts(prompts: Iterable[str]) -> dict[str, str]:
    """The free texts among the prompts, by their sound's name."""
    return {sound(prompt): normal(prompt) for prompt in prompts if not is_name(prompt)}
