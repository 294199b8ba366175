"""The part of extensions.conf in which one party of a talk is listened to, for the speech process to write down.

Both ends of a Local channel, which only the engine's ``Originate`` makes: at one ChanSpy, at the other AudioSocket. Whichever ends
takes the other with it, and the talk notices neither. ``EAR_OF`` is the unique id of the party's channel; of the options ``u`` says
so, ``o`` hears what comes from that channel alone, ``q`` and ``s`` say nothing, ``S`` ends with that channel.
"""

from __future__ import annotations

EAR = """\
; An ear at a talk, made by the engine: no phone and no trunk gets here.
[hotline-ear]
exten => spy,1,ChanSpy(${EAR_OF},uoqsS)
 same => n,Hangup(16)
exten => tell,1,AudioSocket(${EAR_STREAM},${EAR_AT})
 same => n,Hangup(16)
"""
