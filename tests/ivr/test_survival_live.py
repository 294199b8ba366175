"""The survival program as Asterisk runs it: pyst2's AGI over pipes, and a real call over SIP."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asterisk as pyst2
import pytest

from ivr.live import AgiServer, AgiSession
from ivr.survival import launcher
from tests.fakes.agi import split
from tests.ivr.conftest import Bench

PROJECT = Path(__file__).parents[2]
PACKAGES = Path(pyst2.__file__).parents[1]
TABLE = {
    "city": "zhengzhou",
    "area": "0371",
    "number": "12345",
    "lines": {
        "110": {"next": "pass", "ways": [["police", "110"]], "say": []},
        "12329": {"next": "queue", "say": ["prompts/notice", "prompts/more"]},
    },
    "default": {"next": "queue", "say": []},
}


def write(program: Path, table: object) -> Path:
    snapshot = program.with_suffix(".json")
    snapshot.write_text(table if isinstance(table, str) else json.dumps(table), encoding="utf-8")
    program.write_text(
        launcher(sys.executable, [str(PROJECT), str(PACKAGES)], str(snapshot)), encoding="utf-8"
    )
    program.chmod(0o755)
    return program


def ask(program: Path, called: str, headers: dict[str, str] | None = None) -> tuple[dict[str, str], str, int]:
    """Run it as Asterisk does: environment and answers on its standard input, commands on its standard
    output."""
    known = {"${CHANNEL(endpoint)}": "carrier"}
    known |= {f"${{PJSIP_HEADER(read,{name},1)}}": value for name, value in (headers or {}).items()}
    said: dict[str, str] = {}
    with subprocess.Popen(
        [str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(
            f"agi_request: survive\nagi_callerid: 13800138000\nagi_extension: s\nagi_dnid: {called}\n\n"
        )
        process.stdin.flush()
        for line in process.stdout:
            match split(line.rstrip("\n")):
                case ["GET", "FULL", "VARIABLE", name]:
                    process.stdin.write(f"200 result=1 ({known.get(name, '')})\n")
                case ["SET", "VARIABLE", name, value]:
                    said[name] = value
                    process.stdin.write("200 result=1\n")
                case other:
                    raise AssertionError(other)
            process.stdin.flush()
        complaints = process.stderr.read()
        return said, complaints, process.wait(10)


def test_an_emergency_is_passed_on_and_nothing_is_said_on_standard_error(tmp_path: Path) -> None:
    said, complaints, status = ask(write(tmp_path / "survive", TABLE), "110")
    assert said == {
        "SURVIVE_NEXT": "pass",
        "SURVIVE_TRUNK": "police",
        "SURVIVE_NUMBER": "110",
        "SURVIVE_SAY": "",
    }
    assert list(said)[-1] == "SURVIVE_NEXT", "the last: until then nothing has been decided"
    assert (complaints, status) == ("", 0)


def test_the_line_in_the_diversion_header_counts_and_its_notices_are_said(tmp_path: Path) -> None:
    header = {"Diversion": '"热线" <sip:12329@carrier>;reason=unconditional'}
    said, _, _ = ask(write(tmp_path / "survive", TABLE), "12345", header)
    assert (said["SURVIVE_NEXT"], said["SURVIVE_SAY"]) == ("queue", "prompts/notice&prompts/more")


@pytest.mark.parametrize(
    "table", ["", "{", "[]", "{}", '{"area": "0371", "number": "12345", "lines": {"x": 1}}']
)
def test_with_a_broken_snapshot_it_ends_quietly_and_sets_nothing(tmp_path: Path, table: str) -> None:
    assert ask(write(tmp_path / "survive", table), "110") == ({}, "", 0)


def test_without_a_snapshot_it_ends_quietly_and_sets_nothing(tmp_path: Path) -> None:
    program = write(tmp_path / "survive", TABLE)
    (tmp_path / "survive.json").unlink()
    assert ask(program, "110") == ({}, "", 0)


def test_a_caller_who_hangs_up_meanwhile_ends_it_quietly(tmp_path: Path) -> None:
    program = write(tmp_path / "survive", TABLE)
    done = subprocess.run(
        [str(program)], input=b"agi_request: x\n\nHANGUP\n", capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_it_takes_less_than_120_ms(tmp_path: Path) -> None:
    program = write(tmp_path / "survive", TABLE)
    ask(program, "110")  # the first run writes the bytecode
    times = []
    for _ in range(7):
        began = time.perf_counter()
        ask(program, "110")
        times.append(time.perf_counter() - began)
    assert statistics.median(times) < 0.12


# ── with Asterisk itself
# ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def carrier(bench: Bench, tmp_path: Path) -> Iterator[Path]:
    """A SIPp scenario that calls 12345, forwarded from 110."""
    write(bench.survival, TABLE)
    scenario = tmp_path / "call.xml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    yield scenario
    bench.survival.unlink()


SCENARIO = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="forwarded">
<send><![CDATA[
INVITE sip:12345@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:13800138000@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:12345@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:carrier@[local_ip]:[local_port]>
Diversion: <sip:110@carrier;user=phone>;reason=unconditional;counter=1
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8
a=rtpmap:8 PCMA/8000
]]></send>
<recv response="100" optional="true"/>
<recv response="603" optional="true" next="9"/>
<recv response="480" optional="true" next="9"/>
<recv response="404" optional="true" next="9"/>
<recv response="503"/>
<label id="9"/>
<send><![CDATA[
ACK sip:12345@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:13800138000@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:12345@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
</scenario>
"""


@pytest.mark.switch
async def test_a_forwarded_call_without_an_engine_is_decided_by_the_program(
    bench: Bench, carrier: Path
) -> None:
    """Nobody listens where the engine should: Asterisk runs the program, pyst2 reads the real SIP header."""
    told: asyncio.Queue[tuple[str, ...]] = asyncio.Queue()

    async def on_call(session: AgiSession) -> None:
        told.put_nowait((session.path, *session.args))

    async with AgiServer("127.0.0.1", bench.agi, on_call):
        sipp = await asyncio.create_subprocess_exec(
            *("sipp", f"127.0.0.1:{bench.asterisk.sip}", "-sf", str(carrier), "-m", "1", "-nostdin"),
            *("-i", "127.0.0.1", "-p", str(bench.asterisk.carrier), "-timeout", "5"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=carrier.parent,
        )
        try:
            heard = await asyncio.wait_for(told.get(), 5)
        finally:
            await asyncio.wait_for(sipp.wait(), 10)
    assert heard == ("survived", "SUCCESS", "pass", "police", "110", "")
