"""The part of extensions.conf through which a seat's phone dials a number.

The seat's channel is held in a FastAGI session, unanswered, until the engine has decided (``acd/outgoing.py``);
`ACD_OUT` tells AMI's Status that it is the channel of one who calls out. Whoever has no engine behind him still
reaches what the survival program passes on, 110 above all.
"""

from __future__ import annotations

# Whatever the phone has taken for a number: digits, hyphens and +. Only lengths get into the expression.
OUTGOING = """\
; A seat's phone dials a number: who may dial what, and which way it goes, is the engine's.
[hotline-dial]
exten => _[+0-9]!,1,GotoIf($[${LEN(${FILTER(+0-9\\x2d,${EXTEN})})} != ${LEN(${EXTEN})}]?refuse)
 same => n,Set(__ACD_CALL=${UNIQUEID})
 same => n,Set(ACD_OUT=1)
 same => n,Set(ACD_NEXT=)
 same => n,AGI(@AGI@/dial,${CHANNEL(endpoint)},${EXTEN})
 same => n,Goto(hotline-out,do${ACD_NEXT},1)
 same => n(refuse),Hangup(1)

[hotline-out]
; The far end sees the hotline's number, not the seat's; its tones and announcements are heard.
exten => doout,1,ExecIf($["${ACD_SHOWN}" != ""]?Set(CALLERID(num)=${ACD_SHOWN}))
 same => n,Set(CALLERID(name)=)
 same => n,Dial(PJSIP/${ACD_NUMBER}@${ACD_TRUNK},${ACD_RING})
 same => n,Goto(after,1)
exten => dotoseat,1,Dial(PJSIP/${ACD_SEAT},${ACD_RING})
 same => n,Goto(after,1)
exten => after,1,Set(ACD_NEXT=)
 same => n,AGI(@AGI@/dialled,${DIALSTATUS},${HANGUPCAUSE})
 same => n,Goto(do${ACD_NEXT},1)
exten => dohangup,1,Hangup(${ACD_CAUSE})
; The engine is gone.
exten => do,1,Set(SURVIVE_NEXT=)
 same => n,AGI(@SURVIVAL@)
 same => n,GotoIf($["${SURVIVE_NEXT}" != "pass"]?words)
 same => n(way),Set(SURVIVE_TO=PJSIP/${SHIFT(SURVIVE_NUMBER)}@${SHIFT(SURVIVE_TRUNK)})
 same => n,Dial(${SURVIVE_TO},30)
 same => n,GotoIf($["${SURVIVE_TRUNK}" != ""]?way)
 same => n(words),Answer(0,i)
 same => n,Playback(desk-unreachable)
 same => n,Hangup(16)
exten => i,1,Goto(do,1)
"""

FROM_SEAT = "exten => _[+0-9]!,1,Goto(hotline-dial,${EXTEN},1)\n"
"""Whatever begins with a digit or + is a number; feature codes begin with a star."""
