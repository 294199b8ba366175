"""Renders extensions.conf: small on purpose, the thinking is in the engine.

The contract with the engine (variables, FastAGI paths, contexts) is ``docs/architecture.md``. The order of a
call: ``from-trunk-NAME`` checks the digits, ``hotline-enter`` holds the caller in a FastAGI session,
``hotline-next`` does what the engine said there, and ``hotline-survive`` serves whoever the engine left
behind.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dialplans.along import ALONG
from dialplans.callback import CALLBACK
from dialplans.ear import EAR
from dialplans.outgoing import FROM_SEAT, OUTGOING
from dialplans.rooms import ROOMS
from dialplans.supervise import SUPERVISE

SUPERVISOR_CODES = ("*31", "*32", "*33", "*34", "*35", "*36", "*37", "*38")
"""Listen, whisper, barge, take over, break, ready, sign off, why does a call wait; followed by the seat."""

FEATURE_CODES = ("*10", "*11", "*12", "*13", "*14", "*15", *SUPERVISOR_CODES, "*39")
"""What a seat can dial: sign off, sign on, break, back, end of wrap-up."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_CODE = re.compile(r"\*[0-9]{1,4}")
_PLAIN = re.compile(r"[^\s,;:()\[\]{}$&|^\"'\\]+")
_URL = re.compile(r"agi://[A-Za-z0-9.\[\]:-]+")


def render_extensions(
    trunks: Sequence[str],
    *,
    agi: str,
    spool: str,
    survival: str,
    feature_codes: Sequence[str] = FEATURE_CODES,
    queue: str = "fallback",
) -> str:
    """The text of extensions.conf.

    ``trunks``: names of the trunks' endpoints; ``agi``: ``agi://HOST:PORT`` of the engine; ``spool``: the
    file to which the fallback adds its lines (see `hotline.switch.spool`); ``survival``: the program that
    says where a caller goes when the engine is gone; ``queue``: the native queue behind that. Raises
    ``ValueError`` for a value that would be read as something else in a dialplan.
    """
    for name in trunks:
        _require(_NAME, name, "trunk", "a-z, then a-z, 0-9, _ and -")
    for code in feature_codes:
        _require(_CODE, code, "feature code", "a star and 1 to 4 digits")
    _require(_URL, agi, "agi", "agi://HOST:PORT")
    for what, path in (("spool", spool), ("survival", survival), ("queue", queue)):
        _require(_PLAIN, path, what, "a path without blanks, commas and brackets")
    parts = [_HEAD]
    parts += [_FROM_TRUNK.replace("@TRUNK@", name) for name in trunks]
    parts.append(_FROM_SEAT + "\n".join(_FEATURE.replace("@CODE@", code) for code in feature_codes))
    parts.append(FROM_SEAT)
    parts += [_DESK, OUTGOING, _ENTER, ALONG, ROOMS, SUPERVISE, EAR, CALLBACK, _SURVIVE]
    text = "\n".join(parts)
    for mark, value in (("@AGI@", agi), ("@SPOOL@", spool), ("@SURVIVAL@", survival), ("@QUEUE@", queue)):
        text = text.replace(mark, value)
    return text


def _require(pattern: re.Pattern[str], value: str, what: str, form: str) -> None:
    if not pattern.fullmatch(value):
        raise ValueError(f"{what} {value!r}: it would be misread in the dialplan; write {form}")


_HEAD = """\
; extensions.conf, written by the program: changes made here are lost.
; The contract with the engine is in docs/architecture.md.

[general]
static = yes
writeprotect = yes
autofallthrough = yes
clearglobalvars = yes
"""

# Only lengths get into the expression, so no dialled text can break out of it. Whatever has other
# characters than digits, +, *, # and hyphens (\x2d) is not a number: unallocated (1), the carrier hears
# 404.
_FROM_TRUNK = """\
; A carrier's calls reach the hotline and nothing else. A line end in a caller's number or name would forge
; lines of AGI and AMI: it goes first. A dialled text with letters or blanks is not a number: 404.
[from-trunk-@TRUNK@]
exten => _[+0-9]!,1,Set(CALLERID(num)=${FILTER(+*#0-9,${CALLERID(num)})})
 same => n,Set(CALLERID(name)=${FILTER(\\x20-\\x7e\\x80-\\xff,${CALLERID(name)})})
 same => n,GotoIf($[${LEN(${FILTER(+*#0-9\\x2d,${EXTEN})})} = ${LEN(${EXTEN})}]?\
hotline-enter,${EXTEN},1)
 same => n,Hangup(1)
"""

_FROM_SEAT = """\
; A seat's phone reaches the engine: by a feature code, or by a number that it dials.
[from-seat]
"""

_FEATURE = "exten => _@CODE@!,1,Goto(hotline-desk,${EXTEN},1)"

# The engine ends the call itself: whoever comes back from AGI() found no engine there.
_DESK = """
[hotline-desk]
exten => _*!,1,GotoIf($[${LEN(${FILTER(*#0-9,${EXTEN})})} != ${LEN(${EXTEN})}]?refuse)
 same => n,Set(ACD_NEXT=)
 same => n,AGI(@AGI@/desk,${CHANNEL(endpoint)},${EXTEN})
 same => n,GotoIf($["${ACD_NEXT}" != ""]?hotline-supervise,do${ACD_NEXT},1)
 same => n,Answer(0,i)
 same => n,Playback(desk-unreachable)
 same => n,Hangup(16)
 same => n(refuse),Hangup(1)
"""

# BASE64_ENCODE warns about an empty text: one blank goes with every value, and the reader takes it off again.
_ENTER = """\
; A carrier's call, not yet answered: answering is the engine's order (EXEC Answer 0,i). The caller stays in
; this AGI session until the engine knows where to; a dead engine closes it, and leaves ACD_NEXT empty.
; The header values are base64 of the header and one blank.
[hotline-enter]
exten => _[+0-9]!,1,Set(__ACD_CALL=${UNIQUEID})
 same => n,Set(ACD_NEXT=)
 same => n,AGI(@AGI@/enter,${CHANNEL(endpoint)},\
${BASE64_ENCODE(${PJSIP_HEADER(read,Diversion,1)} )},${BASE64_ENCODE(${PJSIP_HEADER(read,History-Info,1)} )})
 same => n,Goto(hotline-next,do${ACD_NEXT},1)

; The restarted engine fetched the caller back out of the fallback: the call is its own again.
[hotline-resume]
exten => s,1,Set(FILE(@SPOOL@,,,al,u)=back at=${STRFTIME(,,%s%3q)} call=${BASE64_ENCODE(${ACD_CALL} )})
 same => n,Set(CHANNEL(hangup_handler_pop)=)
 same => n,Set(ACD_SPOOLED=)
 same => n,Set(ACD_NEXT=)
 same => n,AGI(@AGI@/resume)
 same => n,Goto(hotline-next,do${ACD_NEXT},1)

[hotline-next]
; Answered already, unless a seat was free at once. m: the music goes on until the seat answers.
; The seat's phone shows the line beside the caller's number. g: when the seat hangs up the engine has the caller,
; for a question about the service; without an engine he is let go, not led to the seats again.
exten => doseat,1,Answer(0,i)
 same => n,Set(CALLERID(name)=${ACD_LINE})
 same => n,Set(CALLERID(name-pres)=allowed)
 same => n,Dial(PJSIP/${ACD_SEAT},${ACD_RING},\
gm${IF($["${ACD_AUTO}" = "1" | "${CALLERID(num-pres):0:5}" = "prohi"]?b(hotline-phone^s^1(${ACD_AUTO})))})
 same => n,Set(ACD_SERVED=${IF($["${DIALSTATUS}" = "ANSWER"]?1)})
 same => n,Set(ACD_NEXT=)
 same => n,AGI(@AGI@/again,${DIALSTATUS})
 same => n,Goto(do${ACD_NEXT},1)

; The far end's own tones and announcements are heard (early media).
exten => dopass,1,Dial(PJSIP/${ACD_NUMBER}@${ACD_TRUNK},${ACD_RING},b(hotline-along^s^1))
 same => n,Set(ACD_NEXT=)
 same => n,AGI(@AGI@/passed,${DIALSTATUS})
 same => n,Goto(do${ACD_NEXT},1)

; The machine that answers questions. TryExec: whatever becomes of the stream, the caller goes on here, to a person.
exten => dospeak,1,TryExec(AudioSocket(${ACD_SPEECH},${ACD_SPEECH_AT}))
 same => n,Set(ACD_NEXT=)
 same => n,AGI(@AGI@/spoken,${TRYSTATUS})
 same => n,Goto(do${ACD_NEXT},1)

; Fetched back from the fallback while a third party was on.
exten => doroom,1,Goto(hotline-room,caller,1)
exten => dorefuse,1,Hangup(${ACD_CAUSE})
exten => dohangup,1,Hangup(${ACD_CAUSE})
; Nothing said, or nothing that is known here: the engine is gone.
exten => do,1,GotoIf($["${ACD_SERVED}" = "1"]?doserved,1:hotline-survive,s,1)
exten => i,1,GotoIf($["${ACD_SERVED}" = "1"]?doserved,1:hotline-survive,s,1)
exten => doserved,1,Playback(goodbye)
 same => n,Hangup(16)

; Runs on the seat's leg before its INVITE leaves. A withheld number is not shown, the line still is.
[hotline-phone]
exten => s,1,GotoIf($["${ARG1}" != "1"]?shown)
 same => n,Set(PJSIP_HEADER(add,Alert-Info)=<http://127.0.0.1>\\;info=alert-autoanswer\\;delay=0)
 same => n,Set(PJSIP_HEADER(add,Call-Info)=<sip:127.0.0.1>\\;answer-after=0)
 same => n(shown),GotoIf($["${CONNECTEDLINE(num-pres):0:5}" != "prohi"]?end)
 same => n,Set(CONNECTEDLINE(num,i)=anonymous)
 same => n,Set(CONNECTEDLINE(num-pres,i)=allowed)
 same => n(end),Return()
"""

_SURVIVE = """\
; The engine is gone. Nothing here needs it, or AMI. One line in the spool when a call comes in here, one
; when a seat takes it, one when it ends; each text is base64 of itself and one blank, times are ms since
; 1970.
[hotline-survive]
exten => s,1,GotoIf($["${ACD_SPOOLED}" = "1"]?again)
 same => n,Set(ACD_SPOOLED=1)
 same => n,Set(CHANNEL(hangup_handler_push)=hotline-survive-end,s,1)
 same => n,Set(FILE(@SPOOL@,,,al,u)=enter at=${STRFTIME(,,%s%3q)} call=${BASE64_ENCODE(${ACD_CALL} )} \
trunk=${BASE64_ENCODE(${CHANNEL(endpoint)} )} called=${BASE64_ENCODE(${CALLERID(dnid)} )} \
caller=${BASE64_ENCODE(${CALLERID(num)} )} diversion=${BASE64_ENCODE(${PJSIP_HEADER(read,Diversion,1)} )} \
history=${BASE64_ENCODE(${PJSIP_HEADER(read,History-Info,1)} )} queue=${BASE64_ENCODE(${ACD_QUEUE} )})
 same => n(again),Set(SURVIVE_NEXT=)
; Who already waited keeps waiting; of everybody else the survival program knows the number's plan.
 same => n,GotoIf($["${ACD_QUEUE}" != ""]?doqueue,1)
 same => n,Set(SURVIVE_SAY=)
 same => n,AGI(@SURVIVAL@)
 same => n,GotoIf($["${SURVIVE_SAY}" = ""]?hotline-survive,do${SURVIVE_NEXT},1)
 same => n,Answer(0,i)
 same => n,Playback(${SURVIVE_SAY})
 same => n,Goto(do${SURVIVE_NEXT},1)

; Every way to the far end in turn: the numbers and the trunks are lists of the same length.
exten => dopass,1,Set(SURVIVE_TO=PJSIP/${SHIFT(SURVIVE_NUMBER)}@${SHIFT(SURVIVE_TRUNK)})
 same => n,Dial(${SURVIVE_TO},30,U(hotline-survive-seat)b(hotline-survive-along^s^1))
 same => n,GotoIf($["${SURVIVE_TRUNK}" != ""]?dopass,1)
 same => n,Goto(doqueue,1)
exten => dosay,1,Hangup(16)
exten => dohangup,1,Hangup(16)
exten => dorefuse,1,Hangup(34)
exten => do,1,Goto(doqueue,1)
exten => i,1,Goto(doqueue,1)
exten => doqueue,1,Answer(0,i)
; Nobody is turned away: without a member the caller hears music until there is one.
 same => n,Queue(@QUEUE@)
 same => n,Wait(1)
 same => n,Goto(doqueue,1)

; On the leg of whoever took the call, at that moment.
[hotline-survive-seat]
exten => s,1,Set(FILE(@SPOOL@,,,al,u)=seat at=${STRFTIME(,,%s%3q)} call=${BASE64_ENCODE(${ACD_CALL} )} \
seat=${BASE64_ENCODE(${CHANNEL(endpoint)} )})
 same => n,Return()

[hotline-survive-end]
exten => s,1,Set(FILE(@SPOOL@,,,al,u)=end at=${STRFTIME(,,%s%3q)} call=${BASE64_ENCODE(${ACD_CALL} )} \
cause=${HANGUPCAUSE})
 same => n,Return()
"""
