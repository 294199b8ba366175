"""Recordings as files: finished once, entered once, deleted by rule and never on hold, and found out when they are changed."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from acd.engine import Engine
from acd.messages import AgentAnswered, Event, RecordingFailed, RecordingHalted, RecordingPossible
from hotline.cli import main
from hotline.recordings import (
    FOLDER,
    RecordingFault,
    Shelf,
    delete_due,
    finish,
    found_again,
    sha256,
    verify,
    why_not,
)
from hotline.recordings_index import Entry, RecordingsIndex
from hotline.recordings_keeper import Keeping, RecordingsKeeper
from hotline.rehearsal.sound import Heard, alaw, read_wav, tone, windows
from tests.acd.town import START, Hall, recorded, town

NAME = "2026/01/05/7.1.wav"
SAID = alaw(tone(500, 2.0))
DAY_MS = 86_400_000


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    made = Shelf(tmp_path / FOLDER)
    made.prepare()
    return made


@pytest.fixture
def index(shelf: Shelf) -> Iterator[RecordingsIndex]:
    made = RecordingsIndex(shelf.index)
    yield made
    made.close()


def written(shelf: Shelf, name: str = NAME, sound: bytes = SAID) -> Path:
    raw = shelf.raw(name)
    raw.write_bytes(sound)
    return raw


def kept(shelf: Shelf, index: RecordingsIndex, name: str = NAME, days_ago: float = 0) -> Entry:
    raw = written(shelf, name)
    ended = time.time() - days_ago * 86_400
    os.utime(raw, (ended, ended))
    entry = finish(shelf, index, name)
    assert entry is not None
    return entry


# ── finishing ────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_the_switch_has_closed_becomes_a_wav_with_its_checksum_for_its_owner_only(
    shelf: Shelf, index: RecordingsIndex
) -> None:
    raw = written(shelf)
    entry = finish(shelf, index, NAME)
    assert entry is not None
    assert index.entries("7.1") == [entry]
    assert (entry.call, entry.part, entry.leg, entry.seconds) == ("7.1", 1, None, 2.0)
    wav = shelf.root / NAME
    samples, rate = read_wav(wav)
    assert (rate, len(samples)) == (8000, 16_000)
    assert {(w.heard, round(w.hertz)) for w in windows(samples)} == {(Heard.TONE, 500)}
    assert entry.sha256 == sha256(wav)
    assert wav.stat().st_mode & 0o777 == 0o600
    assert wav.parent.stat().st_mode & 0o777 == 0o700
    assert not raw.exists()
    assert finish(shelf, index, NAME) is None


def test_a_file_that_is_still_being_written_is_left_alone(shelf: Shelf, index: RecordingsIndex) -> None:
    raw = shelf.raw(NAME)
    with raw.open("wb") as switch:
        switch.write(SAID)
        switch.flush()
        assert finish(shelf, index, NAME) is None
        assert raw.exists()
    assert finish(shelf, index, NAME) is not None


@pytest.mark.parametrize("size", [0, 1, 161])
def test_a_recording_of_no_or_an_odd_number_of_samples_is_a_sound_wav(
    shelf: Shelf, index: RecordingsIndex, size: int
) -> None:
    written(shelf, sound=b"\xd5" * size)
    entry = finish(shelf, index, NAME)
    assert entry is not None
    assert entry.seconds == size / 8000
    samples, _ = read_wav(shelf.root / NAME)
    assert len(samples) == size
    assert (shelf.root / NAME).stat().st_size % 2 == 0


def test_whatever_was_interrupted_is_done_again_to_the_same_end(shelf: Shelf, index: RecordingsIndex) -> None:
    raw = written(shelf)
    entry = finish(shelf, index, NAME)
    assert entry is not None
    raw.write_bytes(SAID)  # the raw file was not taken away: the program ended before
    assert finish(shelf, index, NAME) is not None
    (shelf.root / NAME).with_name(".7.1.wav.new").write_bytes(b"half")
    raw.write_bytes(SAID)
    assert finish(shelf, index, NAME) is not None
    assert [one.sha256 for one in index.entries()] == [entry.sha256]
    assert sorted(p.name for p in (shelf.root / NAME).parent.iterdir()) == ["7.1.wav"]


def test_a_place_that_another_recording_has_is_not_overwritten(shelf: Shelf, index: RecordingsIndex) -> None:
    entry = kept(shelf, index)
    raw = written(shelf, sound=alaw(tone(800, 1.0)))
    with pytest.raises(
        RecordingFault, match=r"7\.1\.wav: is another recording than .*: move one of them away"
    ):
        finish(shelf, index, NAME)
    assert raw.exists()
    assert verify(shelf, entry) is None


def test_a_link_in_the_place_of_a_file_is_not_followed(
    shelf: Shelf, index: RecordingsIndex, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"not yours")
    shelf.raw(NAME).symlink_to(secret)
    with pytest.raises(RecordingFault, match="is no file"):
        finish(shelf, index, NAME)
    assert secret.read_bytes() == b"not yours"


@pytest.mark.parametrize("name", ["../../x.wav", "/etc/passwd", "now/x.wav", "2026/01/05/a,b.wav", ""])
def test_a_text_that_is_no_recordings_name_leads_to_no_file(shelf: Shelf, name: str) -> None:
    with pytest.raises(ValueError, match="no recording's name"):
        shelf.raw(name)


def test_files_without_an_entry_are_entered_and_marked_as_found(shelf: Shelf, index: RecordingsIndex) -> None:
    entry = kept(shelf, index)
    index.close()
    shelf.index.unlink()
    for rest in shelf.root.glob("index.sqlite-*"):
        rest.unlink()
    (shelf.root / "2026/01/05/notes.txt").write_text("not a recording")
    anew = RecordingsIndex(shelf.index)
    try:
        assert found_again(shelf, anew) == 1
        assert found_again(shelf, anew) == 0
        (found,) = anew.entries()
    finally:
        anew.close()
    assert (found.sha256, found.seconds, found.found) == (entry.sha256, entry.seconds, True)


# ── keeping and deleting ─────────────────────────────────────────────────────────────────────────────────────


def test_what_is_older_than_the_rule_is_deleted_and_the_index_says_when_and_why(
    shelf: Shelf, index: RecordingsIndex
) -> None:
    kept(shelf, index, days_ago=31)
    young = kept(shelf, index, "2026/01/05/7.2.wav", days_ago=29)
    before = round(time.time() * 1000) - 30 * DAY_MS
    assert delete_due(shelf, index, before, "kept for 30 days") == ([NAME], [])
    assert not (shelf.root / NAME).exists()
    old, left = index.entries()
    assert old.deleted is not None
    assert old.deleted_because == "kept for 30 days"
    assert left == young
    assert [(line.what, line.name, line.by) for line in index.audit()] == [("deleted", NAME, "rule")]
    assert delete_due(shelf, index, before, "kept for 30 days") == ([], [])


def test_a_legal_hold_keeps_every_part_until_it_is_released_and_both_are_audited(
    shelf: Shelf, index: RecordingsIndex
) -> None:
    kept(shelf, index, days_ago=400)
    kept(shelf, index, "2026/01/05/7.1-p2.wav", days_ago=400)
    index.hold("7.1", "court", "case 5")
    assert delete_due(shelf, index, round(time.time() * 1000), "rule") == ([], [])
    assert index.release("7.1", "court", "closed")
    assert not index.release("7.1", "court", "closed")
    gone, _ = delete_due(shelf, index, round(time.time() * 1000), "rule")
    assert len(gone) == 2
    assert [line.what for line in index.audit("7.1")] == ["held", "released", "deleted", "deleted"]


def test_a_hold_needs_a_name_and_a_reason(index: RecordingsIndex) -> None:
    for by, because in (("", "case"), ("court", " ")):
        with pytest.raises(ValueError, match="give both"):
            index.hold("7.1", by, because)
    assert index.holds() == {}


def test_one_file_that_can_not_be_deleted_does_not_keep_the_others(
    shelf: Shelf, index: RecordingsIndex
) -> None:
    kept(shelf, index, days_ago=40)
    kept(shelf, index, "2026/01/05/7.2.wav", days_ago=40)
    (shelf.root / NAME).unlink()
    (shelf.root / NAME).mkdir()  # something that unlink refuses
    gone, left = delete_due(shelf, index, round(time.time() * 1000), "rule")
    assert (gone, left) == (["2026/01/05/7.2.wav"], [NAME])
    (shelf.root / NAME).rmdir()
    assert delete_due(shelf, index, round(time.time() * 1000), "rule") == ([NAME], [])


def test_the_audit_can_only_be_added_to(shelf: Shelf, index: RecordingsIndex) -> None:
    index.hold("7.1", "court", "case 5")
    base = sqlite3.connect(shelf.index)
    with pytest.raises(sqlite3.IntegrityError, match="only added to"):
        base.execute("UPDATE audit SET by = 'nobody'")
    with pytest.raises(sqlite3.IntegrityError, match="only added to"):
        base.execute("DELETE FROM audit")
    base.close()


def test_an_index_of_a_newer_program_is_left_alone(shelf: Shelf) -> None:
    base = sqlite3.connect(shelf.index)
    base.execute("PRAGMA user_version = 9")
    base.close()
    with pytest.raises(sqlite3.DatabaseError, match="newer program"):
        RecordingsIndex(shelf.index)


# ── the disk ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_disk_with_too_little_room_and_a_folder_that_takes_no_file_are_told_in_one_line(
    tmp_path: Path,
) -> None:
    shelf = Shelf(tmp_path / FOLDER)
    assert why_not(shelf, 10_000_000, was_halted=False) is None
    assert list(shelf.now.iterdir()) == []
    told = why_not(shelf, 1 << 60, was_halted=False)
    assert told is not None
    assert "MB free, 1152921504606 are asked for" in told
    shelf.now.rmdir()
    shelf.now.touch()
    told = why_not(shelf, 10_000_000, was_halted=False)
    assert told is not None
    assert "can't be written to (file exists)" in told


def test_after_a_halt_a_tenth_more_must_be_free(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / FOLDER)
    shelf.prepare()
    said = os.statvfs(shelf.root)
    nearly = int(said.f_bavail * said.f_frsize * 0.95)
    assert why_not(shelf, nearly, was_halted=False) is None
    assert why_not(shelf, nearly, was_halted=True) is not None


class Desk:
    """A keeper over an engine with one recorded call."""

    def __init__(self, shelf: Shelf, keeping: Keeping, age_ms: int = 0) -> None:
        self.hall = Hall("101@8001", setup=recorded(town()))
        self.hall.queued("7.1")
        self.hall.tell(AgentAnswered("7.1", "101"))
        self.posted: list[Event] = []
        self.keeper = RecordingsKeeper(
            shelf,
            keeping,
            lambda: self.hall.engine.state,
            self.post,
            now=lambda: START + age_ms,
            here=lambda call: call == "7.1",
        )

    def post(self, event: Event) -> None:
        self.posted.append(event)
        self.hall.tell(event)

    async def look(self) -> None:
        await self.keeper.look()
        await self.keeper.settled()

    @property
    def engine(self) -> Engine:
        return self.hall.engine


async def test_the_keeper_tells_of_a_full_disk_once_and_of_its_recovery_once(shelf: Shelf) -> None:
    desk = Desk(shelf, Keeping(min_free=1 << 60))
    await desk.look()
    await desk.look()
    (halted,) = desk.posted
    assert isinstance(halted, RecordingHalted)
    desk.keeper.keeping = Keeping(min_free=1_000_000)
    await desk.look()
    await desk.look()
    assert desk.posted[1:] == [RecordingPossible()]


async def test_the_keeper_tells_which_recording_has_no_file_when_the_switch_has_had_its_time(
    shelf: Shelf,
) -> None:
    early = Desk(shelf, Keeping(1_000_000), age_ms=4_999)
    await early.look()
    assert early.posted == []
    late = Desk(shelf, Keeping(1_000_000), age_ms=5_000)
    await late.look()
    assert late.posted == [RecordingFailed("7.1", NAME)]


async def test_the_keeper_leaves_a_recording_alone_whose_file_is_open(shelf: Shelf) -> None:
    desk = Desk(shelf, Keeping(1_000_000), age_ms=60_000)
    with shelf.raw(NAME).open("wb"):
        await desk.look()
    assert desk.posted == []


async def test_the_keeper_finishes_enters_and_deletes_by_itself(shelf: Shelf) -> None:
    desk = Desk(shelf, Keeping(1_000_000, keep_days=10))
    old, new = written(shelf, "2026/01/01/6.1.wav"), written(shelf, "2026/01/05/6.2.wav")
    long_ago = time.time() - 11 * 86_400
    os.utime(old, (long_ago, long_ago))
    await desk.look()
    assert not old.exists()
    assert not new.exists()
    index = RecordingsIndex(shelf.index)
    first, second = index.entries()
    index.close()
    assert (first.call, first.deleted is not None) == ("6.1", True)
    assert (second.call, second.deleted) == ("6.2", None)


async def test_the_keeper_outlives_an_index_that_is_no_index(shelf: Shelf) -> None:
    desk = Desk(shelf, Keeping(1_000_000))
    shelf.index.write_bytes(b"this is no database, and long enough to be sure of it" * 50)
    raw = written(shelf, "2026/01/05/6.2.wav")
    await desk.look()
    assert raw.exists()
    shelf.index.unlink()
    await desk.look()
    assert not raw.exists()


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_command_lists_verifies_and_says_no_when_a_checksum_does_not_hold(
    shelf: Shelf, index: RecordingsIndex, capsys: pytest.CaptureFixture[str]
) -> None:
    home = str(shelf.root.parent)
    kept(shelf, index)
    kept(shelf, index, "2026/01/05/7.2.wav")
    assert main(["recordings", "--home", home, "--verify", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["call"] for row in told["recordings"]] == ["7.1", "7.2"]
    assert told["sound"]
    wav = shelf.root / NAME
    data = bytearray(wav.read_bytes())
    data[1000] ^= 1
    wav.write_bytes(data)
    assert main(["recordings", "--home", home]) == 0
    assert main(["recordings", "--home", home, "--call", "7.2", "--verify"]) == 0
    capsys.readouterr()
    assert main(["recordings", "--home", home, "--call", "7.1", "--verify"]) == 1
    assert "has been changed: its checksum is another" in capsys.readouterr().out
    wav.unlink()
    assert main(["recordings", "--home", home, "--verify"]) == 1
    assert "is missing" in capsys.readouterr().out


def test_the_command_finds_a_file_that_somebody_put_there(
    shelf: Shelf, index: RecordingsIndex, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(shelf, index)
    (shelf.root / "2026/01/05/9.9.wav").write_bytes((shelf.root / NAME).read_bytes())
    assert main(["recordings", "--home", str(shelf.root.parent), "--verify"]) == 1
    assert "9.9.wav  has no entry" in capsys.readouterr().out


def test_the_command_holds_and_releases(
    shelf: Shelf, index: RecordingsIndex, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(shelf, index)
    asked = ["recordings", "--home", str(shelf.root.parent), "--call", "7.1"]
    assert main([*asked, "--hold", "case 5", "--by", "court"]) == 0
    assert "held by court: case 5" in capsys.readouterr().out
    assert set(index.holds()) == {"7.1"}
    assert main([*asked, "--release", "closed", "--by", "court"]) == 0
    assert index.holds() == {}
    assert main([*asked, "--release", "closed", "--by", "court"]) == 2
    assert main([*asked, "--hold", "no name"]) == 2
    assert "give --call ID and --by NAME" in capsys.readouterr().err


def test_the_command_names_the_folder_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recordings", "--home", str(tmp_path / "nowhere")]) == 2
    assert "nothing has been recorded here" in capsys.readouterr().err
    assert main(["recordings"]) == 2
