"""AudioSocket's bytes: whatever the cuts of the network, and whatever somebody else sends."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.audiosocket import (
    FRAME_BYTES,
    HANG_UP,
    MOST_AUDIO,
    QUIET,
    Audio,
    AudioSocketBroken,
    AudioSocketStream,
    Framing,
    Hello,
    Key,
    Kind,
    Message,
    PeerError,
    PeerHangup,
    message,
)

NAME = "7b8e36c4-57f1-4a34-9d3f-25a80a3a8c51"
OPENING = message(Kind.UUID, uuid.UUID(NAME).bytes)

messages = st.one_of(
    st.binary(max_size=400).map(lambda pcm: Audio(pcm[: len(pcm) // 2 * 2])),
    st.sampled_from("0123456789*#ABCD").map(Key),
    st.just(PeerHangup()),
    st.one_of(st.none(), st.integers(0, 255)).map(PeerError),
)


def written(one: Message) -> bytes:
    match one:
        case Hello(name):
            return message(Kind.UUID, uuid.UUID(name).bytes)
        case Audio(pcm):
            return message(Kind.AUDIO, pcm)
        case Key(digit):
            return message(Kind.KEY, digit.encode())
        case PeerHangup():
            return HANG_UP
        case PeerError(code):
            return message(Kind.ERROR, b"" if code is None else bytes([code]))


@given(st.lists(messages, max_size=12), st.data())
def test_the_same_messages_come_out_whatever_the_cuts(sent: list[Message], data: st.DataObject) -> None:
    everything = OPENING + b"".join(written(one) for one in sent)
    stream, heard, at = AudioSocketStream(), [], 0
    while at < len(everything):
        stop = data.draw(st.integers(at + 1, len(everything)))
        heard += stream.feed(everything[at:stop])
        at = stop
    assert heard == [Hello(NAME), *sent]
    assert stream.unfinished == 0


@given(st.binary(max_size=2000), st.booleans())
def test_garbage_is_a_fault_or_an_end_and_is_never_hoarded(garbage: bytes, opened: bool) -> None:
    stream = AudioSocketStream()
    everything = (OPENING if opened else b"") + garbage
    try:
        heard = stream.feed(everything)
    except AudioSocketBroken:
        return
    assert stream.unfinished < MOST_AUDIO + 3
    assert len(heard) * 3 + stream.unfinished <= len(everything)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"GET / HTTP/1.1\r\n", "kind 0x47"),
        (b"\x16\x03\x01", "kind 0x16"),
        (message(Kind.AUDIO, bytes(320)), "AUDIO before the UUID"),
        (message(Kind.KEY, b"1"), "KEY before the UUID"),
        (OPENING + OPENING, "a second UUID"),
        (b"\x01\x00\x04abcd", "UUID of 4 bytes instead of 16"),
        (b"\x01\x00\x11", "UUID of 17 bytes; at most 16"),
        (OPENING + b"\x10\xff\xfe", "AUDIO of 65534 bytes; at most 16384"),
        (OPENING + b"\x10\x00\x03abc", "half a sample"),
        (OPENING + b"\x03\x00\x00", "KEY of 0 bytes instead of 1"),
        (OPENING + b"\x03\x00\x01x", "key b'x'"),
        (b"\x00\x00\x01", "HANG_UP of 1 bytes; at most 0"),
    ],
)
def test_what_is_no_audiosocket_is_named(said: bytes, why: str) -> None:
    with pytest.raises(AudioSocketBroken, match=why):
        AudioSocketStream().feed(said)


def test_a_length_that_is_too_much_is_refused_before_the_payload_comes() -> None:
    stream = AudioSocketStream()
    stream.feed(OPENING + b"\x10")
    with pytest.raises(AudioSocketBroken, match="at most"):
        stream.feed(b"\x40\x02")


def test_a_peer_that_left_in_the_middle_of_a_message_shows() -> None:
    stream = AudioSocketStream()
    assert stream.feed(OPENING + QUIET[:-1]) == [Hello(NAME)]
    assert stream.unfinished == len(QUIET) - 1


@pytest.mark.parametrize(
    ("kind", "payload"), [(Kind.AUDIO, b"abc"), (Kind.UUID, b""), (Kind.AUDIO, bytes(MOST_AUDIO + 2))]
)
def test_nothing_is_written_that_would_not_be_read(kind: Kind, payload: bytes) -> None:
    with pytest.raises(ValueError, match=kind.name):
        message(kind, payload)


@given(st.lists(st.binary(max_size=700), max_size=10))
def test_frames_are_whole_and_nothing_of_the_audio_is_lost_or_moved(parts: list[bytes]) -> None:
    framing = Framing()
    frames = [frame for part in parts for frame in framing.cut(part)]
    everything = b"".join(parts)
    assert all(len(frame) == FRAME_BYTES for frame in frames)
    assert b"".join(frames) == everything[: len(everything) // FRAME_BYTES * FRAME_BYTES]
