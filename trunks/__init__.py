"""Lines to carriers, seats' phones, and the wire to Asterisk."""
