from __future__ import annotations

BASE = 0.0
RATE = 0.1
TREES = """
0:0.5:-1:-2 | -1.0 1.0
"""
