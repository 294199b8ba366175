"""The whole platform on a real Asterisk, with real SIP calls."""
