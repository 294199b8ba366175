"""Finds, fetches, configures and starts Asterisk itself."""
