"""Recordings on the real switch."""
