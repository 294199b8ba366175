"""The part of extensions.conf through which a seat calls somebody back: the seat's phone was called, and has picked up."""

from __future__ import annotations

# ACD_CALL is the call-back's name, and that of this channel. The engine gone, the seat is hung up: the list survives it.
CALLBACK = """\
; A seat's phone, called in order to call somebody back. The engine says whom to dial; whoever is called sees the hotline's number.
[hotline-callback]
exten => s,1,Set(ACD_NEXT=)
 same => n,AGI(@AGI@/back)
 same => n,Goto(do${ACD_NEXT},1)
exten => dopass,1,Set(CALLERID(num)=${ACD_SHOWN})
 same => n,Set(CALLERID(name)=)
 same => n,Dial(PJSIP/${ACD_NUMBER}@${ACD_TRUNK},${ACD_RING})
 same => n,Set(ACD_NEXT=)
 same => n,AGI(@AGI@/passed,${DIALSTATUS})
 same => n,Goto(do${ACD_NEXT},1)
exten => dohangup,1,Hangup(16)
exten => do,1,Hangup(16)
exten => i,1,Hangup(16)
"""
