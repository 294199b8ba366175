"""Scenarios that come with the program: the five cities, and what strains them; one file each."""
