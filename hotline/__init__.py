"""The program: a city's configuration, the switch, the engine and the command line, put together here."""
