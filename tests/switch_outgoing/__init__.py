"""Calls that seats dial, and the work at a seat, on the real switch."""
