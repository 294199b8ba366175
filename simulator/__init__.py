"""What would happen: the engine's own routing on virtual time, at millions of calls a second."""
