"""The texts of Asterisk's files that hardly vary; `hotline.switch.config` fills them in."""

from __future__ import annotations

ASTERISK = """\
; asterisk.conf, written by the program: changes made here are lost.
[directories]
{directories}

[options]
nocolor = yes
verbose = 0
debug = 0
hideconnect = yes
maxfiles = {max_files}
; No function that reaches the machine (SHELL, FILE) from AMI or AGI, only from this dialplan.
live_dangerously = no
; Silence is sent to a caller while nothing is played: carriers cut calls without media.
transmit_silence = yes
defaultlanguage = {language}
entityid = {entity}

[files]
astctlpermissions = 0600
astctl = asterisk.ctl
"""

LOGGER = """\
; The program moves the file away when it grows (hotline/switch/process.py) and asks for a new one.
[general]
queue_log = no
dateformat = %F %T.%3q
rotatestrategy = none

[logfiles]
messages = notice,warning,error
"""

RTP = """\
[general]
rtpstart = {first}
rtpend = {last}
strictrtp = yes
icesupport = no
"""

# In 22 a filter by name is looked up in a table; the older text filters run a regular expression over
# each event.
EXACT_FILTERS_SINCE = (22, 0, 0)

FILTERS = """\
eventfilter(action(include),name(DialEnd),header(DialStatus),method(exact)) = ANSWER
eventfilter(action(include),name(Hangup)) =
eventfilter(action(include),name(ContactStatus)) =
eventfilter(action(include),name(FullyBooted)) =
eventfilter(action(include),name(Shutdown)) =
eventfilter(action(include),name(ConfbridgeJoin)) =
eventfilter(action(include),name(Hold)) =
eventfilter(action(include),name(Unhold)) =
eventfilter(action(include),name(ChanSpyStart)) =
eventfilter(action(include),name(OriginateResponse)) =
eventfilter(action(include),name(UserEvent)) ="""

LEGACY_FILTERS = """\
eventfilter = DialStatus: ANSWER
eventfilter = Event: Hangup
eventfilter = Event: ContactStatus
eventfilter = Event: FullyBooted
eventfilter = Event: Shutdown
eventfilter = Event: ConfbridgeJoin
eventfilter = Event: Hold
eventfilter = Event: Unhold
eventfilter = Event: ChanSpyStart
eventfilter = Event: OriginateResponse
eventfilter = Event: UserEvent"""

MANAGER = """\
; The control port: this machine only, one user, and only the events that the engine acts on.
[general]
enabled = yes
webenabled = no
bindaddr = 127.0.0.1
port = {port}
displayconnects = no
timestampevents = no
authtimeout = 5
authlimit = 20
allowmultiplelogin = yes
; Events that nobody here hears are not even made.
disabledevents = Newexten,VarSet,Newstate,NewCallerid,NewConnectedLine,NewAccountCode,RTCPSent,RTCPReceived,\
LocalBridge,BridgeCreate,BridgeDestroy,BridgeEnter,BridgeLeave,DialBegin,DialState,MusicOnHoldStart,\
MusicOnHoldStop,AGIExecStart,AGIExecEnd,DeviceStateChange,HangupRequest,SoftHangupRequest,\
HangupHandlerPush,HangupHandlerRun,QueueMemberStatus,ExtensionStatus,DTMFBegin,DTMFEnd,PeerStatus

[{user}]
secret = {secret}
deny = 0.0.0.0/0.0.0.0
permit = 127.0.0.1/255.255.255.255
; call: DialEnd, Hangup; system: ContactStatus, FullyBooted, Shutdown; user: UserEvent.
read = call,system,user
; call: Hangup, Redirect, Setvar; agent: Queue*; originate: Originate; system: PJSIPShow*, Reload.
write = call,agent,originate,system
; A client that does not read is dropped after this many ms (100 by default).
writetimeout = 5000
{filters}
"""

QUEUES = """\
; Where callers wait when the engine is gone. The engine keeps its members in step by QueueAdd.
[general]
persistentmembers = no
autofill = yes
shared_lastcall = yes
log_membername_as_agent = no

[{queue}]
; rrmemory goes on to the next seat; leastrecent would ring an empty chair for ever.
strategy = rrmemory
musicclass = default
timeout = {ring}
retry = 1
wrapuptime = {rest}
ringinuse = no
; Nobody is turned away.
joinempty = yes
leavewhenempty = no
announce-frequency = 0
announce-holdtime = no
announce-position = no
reportholdtime = no
membergosub = hotline-survive-seat
"""

MUSIC = """\
[default]
mode = files
directory = {directory}
sort = alpha

; China's tone of ringing, for a seat that waits for a third party.
[ringing]
mode = files
directory = {ringing}
sort = alpha
"""

MORE_MUSIC = """
[music-{name}]
mode = files
directory = {directory}
sort = alpha
"""

STASIS = """\
; What nobody listens to is not even told inside Asterisk. Only what AMI can do without: it does not start
; when it misses one of its own.
[declined_message_types]
decline = ast_channel_varset_type
decline = ast_rtp_rtcp_sent_type
decline = ast_rtp_rtcp_received_type
decline = agi_exec_start_type
decline = agi_exec_end_type
decline = queue_member_status_type
"""

FEATURES = """\
; A caller's keys do nothing behind the engine's back. A seat's *2 while it talks: the engine listens to what
; follows, heard by nobody else; the caller hears music meanwhile. (The seats' endpoints have DYNAMIC_FEATURES, see pjsip.conf.)
[general]
featuredigittimeout = 1500

[featuremap]

[applicationmap]
seatkeys => *2,self,AGI({agi}/feature),default
"""

CONFBRIDGE = """\
; Rooms in which a caller, a seat and a third party talk. Whoever is left alone hears music, a seat for whom somebody is called
; the tone of ringing; the engine acts at once, so that nobody is left alone.
[general]

[hotline]
type = bridge
max_members = 6
record_conference = no
video_mode = none

[caller]
type = user
quiet = yes
music_on_hold_when_empty = yes
music_on_hold_class = default

[seat]
type = user
quiet = yes
music_on_hold_when_empty = yes
music_on_hold_class = ringing

[third]
type = user
quiet = yes
music_on_hold_when_empty = yes
music_on_hold_class = default

[seatkeys]
type = menu
*2 = dialplan_exec(hotline-feature,s,1)
"""

SMALL = {
    "cdr.conf": "; The engine keeps the records.\n[general]\nenable = no\n",
    "cel.conf": "[general]\nenable = no\n",
    "http.conf": "[general]\nenabled = no\n",
    "udptl.conf": "[general]\n",
    "queuerules.conf": "[general]\n",
    "ccss.conf": "[general]\n",
    "acl.conf": "; none\n",
    "cli.conf": "[startup_commands]\n",
    "pjproject.conf": "; Asterisk's defaults\n[startup]\ntype = startup\nlog_level = 0\n",
    "stasis.conf": STASIS,
    "sorcery.conf": "; Asterisk's defaults\n",
    "confbridge.conf": CONFBRIDGE,
}

SURVIVAL = """\
#!/bin/sh
# Started by Asterisk when the engine is gone; says where a new caller goes.
exec {command}
"""
