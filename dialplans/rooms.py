"""The part of extensions.conf in which a seat, its caller and a third party meet, wait for one another, and part.

A *room* is a conference named by the call; a party who is out of it is *held* in a FastAGI session, as a waiting
caller is. Which party a channel is stands in the extension (``caller``, ``seat``, ``third``), so that AMI's Status
tells it. The engine moves them (``acd/transfer.py``): from a bridge or the room by Redirect, from a held session by
its variables.
"""

from __future__ import annotations

PARTIES = ("caller", "seat", "third")

# Who comes out of a room without having been led out of it (it was ended) asks the engine. The engine gone, a caller goes to
# the fallback's queue, a seat or a third party is hung up.
ROOMS = """\
; A call in which a third party takes part: in the room, or held outside of it.
[hotline-room]
exten => caller,1,ConfBridge(${ACD_CALL},hotline,caller)
 same => n,Goto(hotline-held,caller,1)
exten => seat,1,ConfBridge(${ACD_CALL},hotline,seat,seatkeys)
 same => n,Goto(hotline-held,seat,1)
exten => third,1,ConfBridge(${ACD_CALL},hotline,third,seatkeys)
 same => n,Goto(hotline-held,third,1)

[hotline-held]
exten => caller,1,Set(ACD_NEXT=)
 same => n,AGI(@AGI@/held,caller)
 same => n,GotoIf($["${ACD_NEXT}" = "room"]?hotline-room,caller,1:hotline-next,do${ACD_NEXT},1)
exten => seat,1,Set(ACD_NEXT=)
 same => n,AGI(@AGI@/held,seat)
 same => n,GotoIf($["${ACD_NEXT}" = "room"]?hotline-room,seat,1)
 same => n,Hangup(16)
exten => third,1,Set(ACD_NEXT=)
 same => n,AGI(@AGI@/held,third)
 same => n,GotoIf($["${ACD_NEXT}" = "room"]?hotline-room,third,1)
 same => n,Hangup(16)

; A seat's keys while it is in a room; in a plain call features.conf does the same.
[hotline-feature]
exten => s,1,AGI(@AGI@/feature)
 same => n,Return()
"""
