"""Columns of the loop's flat arrays. All are unsigned: a signed index costs a test for the end, and the two don't mix."""

from __future__ import annotations

from typing import Final

import numpy as np

from acd.pools import OWN

# columns of what is counted, in the order of an outcome
OFFERED: Final = np.uint64(0)
BLOCKED: Final = np.uint64(1)
CONTAINED: Final = np.uint64(2)
ASKED: Final = np.uint64(3)
ANSWERED: Final = np.uint64(4)
WITHIN: Final = np.uint64(5)
ABANDONED: Final = np.uint64(6)
TURNED_AWAY: Final = np.uint64(7)
WAIT_MS: Final = np.uint64(8)
RETRIED: Final = np.uint64(9)
TRANSFERRED: Final = np.uint64(10)
TRANSFERRED_WITHIN: Final = np.uint64(11)
WORK_MS: Final = np.uint64(12)
COUNTED: Final = 13
COUNTS: Final = 16
STAFFED: Final = np.uint64(0)
BUSY: Final = np.uint64(1)

# columns of a call
OWNER: Final = np.uint64(OWN)
STATE: Final = np.uint64(OWN + 1)
QUEUED: Final = np.uint64(OWN + 2)
SUBJECT: Final = np.uint64(OWN + 3)
LINE: Final = np.uint64(OWN + 4)
COUNT: Final = np.uint64(OWN + 5)
LEAVES: Final = np.uint64(OWN + 6)
SEAT: Final = np.uint64(OWN + 7)
KIND: Final = np.uint64(OWN + 8)
PENDING: Final = np.uint64(OWN + 9)
CALL_COLUMNS: Final = 16

# its states
GREETED: Final = 1
WAITS: Final = 2
RINGS: Final = 3
TALKS: Final = 4
AWAY: Final = 5

# columns of an agent
SIGNED_ON: Final = np.uint64(OWN)
"""0 or 1; 2: until the call is over"""
OTHERWISE: Final = np.uint64(OWN + 1)
"""bits: 1 busy, 2 on a break"""
SINCE: Final = np.uint64(OWN + 2)
"""when the time began that counts as staffed"""

AGENT_COLUMNS: Final = 8

# settings
CHANNELS: Final = 0
RETRIAL: Final = 1
AGAIN: Final = 2
TRIES: Final = 3
AGEING: Final = 4
WARM_UP: Final = 5
IN_TIME: Final = 6
HORIZON: Final = 7
SHIFT: Final = 8
LIMITED: Final = 9
GREETED_FOR: Final = 10
SETTINGS: Final = 11
