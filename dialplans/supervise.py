"""The part of extensions.conf in which a supervisor's phone hears, or joins, somebody else's call.

``ACD_SPY`` is the unique id of the seat's channel: with ``u`` nobody else's call can be heard, whatever is keyed (without it,
digits and # would go on to any channel). ``S``: the phone is let go when that call ends.
"""

from __future__ import annotations

SPY_OPTIONS = {"listen": "uqS", "whisper": "uqwS", "barge": "uqBS"}
"""ChanSpy's options for each way to be on a call"""

SUPERVISE = """\
; A supervisor's phone, led here by the engine when the right was there.
[hotline-supervise]
exten => dospy,1,ChanSpy(${ACD_SPY},${ACD_SPYHOW})
 same => n,Hangup(16)
exten => doroom,1,Goto(hotline-room,third,1)
exten => do,1,Hangup(16)
exten => i,1,Hangup(16)
"""
