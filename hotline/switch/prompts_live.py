"""Makes the prompt library: a sound file for each standard prompt and for each text that a city wrote.

A recording wins: ``recordings/NAME.wav``, in any rate and width. What nobody recorded is spoken by
espeak-ng. Each text is spoken once on a machine and kept (in the cache); ``index.tsv`` in the library
says which file holds which text, and so which name a recording of it must have. ``python -m
hotline.switch.prompts_live`` makes the standard ones.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache as kept
from importlib.resources import files
from pathlib import Path

from hotline.logs import OwnersFault
from hotline.switch.find import cache_directory
from ivr.prompts import is_name, normal, read_prompts, sound, texts

# 1.51 reads Hanzi as English letters with plain cmn; 1.52 takes both.
VOICE = "cmn-latn-pinyin"
WORDS_PER_MINUTE = "165"
HOLD_MUSIC = "music/hold"
RINGING_TONE = "ringing/tone"
_RINGING = "\a"
"""stands for the tone of ringing where a text to be spoken would stand, as no text stands for the music"""
BEEP = "beep"
_BEEP = "\b"
"""and for the tone after which a caller speaks"""
INDEX = "index.tsv"
_LIMIT_S = 60
_AT_ONCE = 2
# Asterisk plays .alaw to a carrier in China as it is, and turns .wav into everything else.
_SUFFIXES = (".wav", ".alaw")

# Four soft chords of plucked strings, eight seconds, made here: no rights to ask for.
_CHORDS = (
    ("C3", "G3", "C4", "E4"),
    ("A2", "E3", "A3", "C4"),
    ("F2", "C3", "F3", "A3"),
    ("G2", "D3", "G3", "B3"),
)


class PromptsUnmade(OwnersFault):
    """A prompt could not be made; the message says which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Made:
    """How many sounds there are, how many were made or exchanged now, how many are recordings."""

    sounds: int
    changed: int
    recorded: int


def standard_prompts() -> dict[str, str]:
    """The prompts that the program itself says: names and texts."""
    return read_prompts((files("ivr") / "prompts.txt").read_text(encoding="utf-8"))


def make_prompts(
    library: Path,
    prompts: Iterable[str] = (),
    *,
    recordings: Sequence[Path] = (),
    music: Sequence[str] = (),
    cache: Path | None = None,
) -> Made:
    """Bring the library up to date: the standard prompts, these prompts' free texts, and the music.

    ``music``: kinds of music besides the usual one, each from its own directory ``music/KIND``, the usual one where that is empty.
    The first of ``recordings`` that has a name's file gives it. Quick when nothing is to do; sounds that
    nothing asks for any more are left where they are. Raises `PromptsUnmade`.
    """
    cache = cache or cache_directory() / "speech"
    wanted = {**standard_prompts(), **texts(prompts), HOLD_MUSIC: "", RINGING_TONE: _RINGING, BEEP: _BEEP}
    for directory in recordings:
        # Further pieces of music may be dropped in under any name.
        wanted.update((f"music/{file.stem}", "") for file in sorted((directory / "music").glob("*.wav")))
    for kind in music:
        found = [
            file.stem
            for directory in recordings
            for file in sorted((directory / "music" / kind).glob("*.wav"))
        ]
        wanted.update((f"music/{kind}/{stem}", "") for stem in found or ["hold"])
    sources = {name: _recording(name, recordings) for name in wanted}
    spoken = {name: cache / _key(name, text) for name, text in wanted.items() if sources[name] is None}
    _synthesise({stem: wanted[name] for name, stem in spoken.items()})
    changed = sum(_install(library, name, sources[name], spoken.get(name)) for name in wanted)
    _write_index(library, wanted, sources)
    return Made(len(wanted), changed, sum(source is not None for source in sources.values()))


def make_prompt(
    library: Path, prompt: str, *, recordings: Sequence[Path] = (), cache: Path | None = None
) -> Path:
    """Bring one sound of the library up to date, a standard prompt's or a free text's; the file that Asterisk turns into
    everything else. Raises `PromptsUnmade`."""
    cache = cache or cache_directory() / "speech"
    name = sound(prompt)
    text = _standard().get(name, "") if is_name(prompt) else normal(prompt)
    source = _recording(name, recordings)
    if not text and source is None:
        raise PromptsUnmade(f"prompt {name!r}: there is none of this name; record it, or write its text")
    spoken = None
    if source is None:
        spoken = cache / _key(name, text)
        _synthesise({spoken: text})
    _install(library, name, source, spoken)
    return library / f"{name}{_SUFFIXES[0]}"


def write_index(library: Path, prompts: Iterable[str], recordings: Sequence[Path], file: str) -> None:
    """Say in ``file`` of the library under which name each of these free texts is recorded."""
    wanted = texts(prompts)
    _write_index(library, wanted, {name: _recording(name, recordings) for name in wanted}, file)


@kept
def _standard() -> dict[str, str]:
    return standard_prompts()


def spoken_form(text: str) -> str:
    """The text as it is to be read aloud: telephone numbers digit by digit, 1 as 幺, except in 12345.

    >>> spoken_form("拨打12345或110")
    '拨打一二三四五或幺幺零'
    """

    def digits(match: re.Match[str]) -> str:
        number = match[0]
        if len(number) < 3:
            return number
        return number.translate(
            str.maketrans("0123456789", f"零{'一' if number == '12345' else '幺'}二三四五六七八九")
        )

    return re.sub(r"[0-9]+", digits, normal(text))


def _recording(name: str, recordings: Sequence[Path]) -> Path | None:
    return next((file for directory in recordings if (file := directory / f"{name}.wav").is_file()), None)


def _key(name: str, text: str) -> str:
    told = "\0".join((VOICE, WORDS_PER_MINUTE, spoken_form(text) or name))
    return hashlib.sha256(told.encode()).hexdigest()[:20]


def _synthesise(wanted: Mapping[Path, str]) -> None:
    missing = {stem: text for stem, text in wanted.items() if not _complete(stem)}
    if not missing:
        return
    for program in ("espeak-ng", "sox"):
        if shutil.which(program) is None:
            raise PromptsUnmade(
                f"prompts: {program} is not installed; run make install, or apt-get install {program}"
            )
    for stem in missing:
        stem.parent.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for done in [pool.submit(_speak, stem, text) for stem, text in missing.items()]:
            done.result()


def _complete(stem: Path) -> bool:
    return all(stem.with_name(stem.name + suffix).exists() for suffix in _SUFFIXES)


def _speak(stem: Path, text: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        raw = Path(scratch) / "raw.wav"
        if text == _RINGING:
            # China's: 450 Hz, 1 s on and 4 s off (GB/T 3380); quieter than a voice.
            tone = ["synth", "1", "sine", "450", "fade", "0.02", "1", "0.02", "pad", "0", "4"]
            _run(["sox", "-n", "-r", "8000", "-b", "16", str(raw), *tone], "ringing")
            _convert(raw, stem, "ringing", level="-18")
        elif text == _BEEP:
            tone = ["synth", "0.25", "sine", "1000", "fade", "0.02", "0.25", "0.02"]
            _run(["sox", "-n", "-r", "8000", "-b", "16", str(raw), *tone], "beep")
            _convert(raw, stem, "beep", level="-12")
        elif text:
            _run(
                ["espeak-ng", "-v", VOICE, "-s", WORDS_PER_MINUTE, "--stdin", "-w", str(raw)],
                text,
                spoken_form(text),
            )
            _convert(raw, stem, text)
        else:
            _compose(raw)
            _convert(raw, stem, "music")


def _compose(raw: Path) -> None:
    parts = []
    for number, chord in enumerate(_CHORDS):
        part = raw.with_name(f"{number}.wav")
        tones = [word for tone in chord for word in ("pluck", tone)]
        delays = [str(round(voice * 0.25, 2)) for voice in range(len(chord))]
        _run(
            ["sox", "-n", "-r", "8000", "-b", "16", "-c", str(len(chord)), str(part), "synth", "4", *tones,
             "delay", *delays, "fade", "h", "0.02", "4", "0.6"],
            "music",
        )  # fmt: skip
        parts.append(str(part))
    _run(["sox", *parts, "-c", "1", str(raw), "reverb", "30"], "music")


def _convert(source: Path, stem: Path, what: str, level: str = "-4") -> None:
    """Any sound file into both of the library's, each there whole or not at all; ``level``: of its peaks, dB."""
    for suffix, form in ((".wav", ["-b", "16", "-e", "signed", "-t", "wav"]), (".alaw", ["-t", "al"])):
        target = stem.with_name(stem.name + suffix)
        partial = target.with_name(f".{os.getpid()}.{target.name}")
        _run(["sox", "-G", str(source), "-r", "8000", "-c", "1", *form, str(partial), "norm", level], what)
        partial.replace(target)


def _run(command: Sequence[str], what: str, stdin: str = "") -> None:
    try:
        done = subprocess.run(
            command, input=stdin.encode(), capture_output=True, timeout=_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise PromptsUnmade(f"prompt {what!r}: {command[0]} took more than {_LIMIT_S} s") from None
    if done.returncode != 0:
        said = " ".join(done.stderr.decode(errors="replace").split())[-200:]
        raise PromptsUnmade(f"prompt {what!r}: {command[0]} failed: {said}")


def _install(library: Path, name: str, recording: Path | None, spoken: Path | None) -> bool:
    """Put one sound into the library; whether anything had to be done."""
    stem = library / name
    mark = (
        f"{recording.stat().st_mtime_ns} {recording.stat().st_size} {recording}" if recording else f"{spoken}"
    )
    note = stem.with_name(f".{stem.name}.from")
    if _complete(stem) and note.exists() and note.read_text(encoding="utf-8") == mark:
        return False
    stem.parent.mkdir(parents=True, exist_ok=True)
    if recording is not None:
        _convert(recording, stem, name)
    elif spoken is not None:
        for suffix in _SUFFIXES:
            partial = stem.with_name(f".{os.getpid()}.{stem.name}{suffix}")
            _same(spoken.with_name(spoken.name + suffix), partial)
            partial.replace(stem.with_name(stem.name + suffix))
    note.write_text(mark, encoding="utf-8")
    return True


def _same(source: Path, target: Path) -> None:
    """One file under two names where the disk can do that (a base's answers take 100 MB); none is ever written to."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _write_index(
    library: Path, wanted: Mapping[str, str], sources: Mapping[str, Path | None], file: str = INDEX
) -> None:
    lines = ["# record a file and drop it in as recordings/NAME.wav\n# NAME\tmade from\ttext\n"]
    for name, text in sorted(wanted.items()):
        lines.append(f"{name}\t{sources[name] or 'espeak-ng'}\t{text}\n")
    index = library / file
    told = "".join(lines)
    if not index.exists() or index.read_text(encoding="utf-8") != told:
        index.write_text(told, encoding="utf-8")


def main() -> int:
    """Make the standard prompts in the cache's library; 0 done, 2 with a line of why not."""
    try:
        made = make_prompts(cache_directory() / "prompts", recordings=[Path("recordings")])
    except PromptsUnmade as fault:
        sys.stderr.write(f"{fault}\n")
        return 2
    sys.stderr.write(f"{made.sounds} prompts, {made.changed} made now, {made.recorded} recorded by people\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
