"""The part of extensions.conf that puts on a call to a far end what travels along with it."""

from __future__ import annotations

# The variables are the engine's (`trunks.handover.variables`); each holds digits, letters, + * # - _ . ~ and %, so that
# nothing in it is read as anything else here.
ALONG = """\
; Runs on the leg to a far end before its INVITE leaves: the line, the caller, the case and what was said.
[hotline-along]
exten => s,1,ExecIf($[${LEN(${ACD_X_LINE})} > 0]?Set(PJSIP_HEADER(add,X-Hotline-Line)=${ACD_X_LINE}))
 same => n,ExecIf($[${LEN(${ACD_X_CALLER})} > 0]?Set(PJSIP_HEADER(add,X-Hotline-Caller)=${ACD_X_CALLER}))
 same => n,ExecIf($[${LEN(${ACD_X_REFERENCE})} > 0]?Set(PJSIP_HEADER(add,X-Hotline-Reference)=${ACD_X_REFERENCE}))
 same => n,ExecIf($[${LEN(${ACD_X_SUMMARY})} > 0]?Set(PJSIP_HEADER(add,X-Hotline-Summary)=${ACD_X_SUMMARY}))
 same => n,GotoIf($[${LEN(${ACD_X_UUI})} = 0]?end)
 same => n,Set(PJSIP_HEADER(add,User-to-User)=${ACD_X_UUI}\\;encoding=hex\\;purpose=isdn-uui)
 same => n(end),Return()

; The engine is gone: the case is known, nothing else for certain, and the far end may be a carrier's.
[hotline-survive-along]
exten => s,1,Set(PJSIP_HEADER(add,X-Hotline-Reference)=${IF($[${LEN(${ACD_X_REFERENCE})} > 0]?${ACD_X_REFERENCE}:${ACD_CALL})})
 same => n,Return()
"""
