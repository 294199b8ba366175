"""Automatic call distribution: who talks to whom, and when. Pure: facts in, orders out."""
