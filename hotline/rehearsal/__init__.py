"""Rehearsals with real SIP traffic: SIPp as carriers, as many phones and as far ends, and baresip as one real
phone."""
