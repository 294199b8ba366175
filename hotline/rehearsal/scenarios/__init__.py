"""The SIPp scenarios of a rehearsal: callers, phones, registrations. A package, so that they are installed."""
