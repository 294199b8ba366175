"""Accepts what is rendered now as golden: ``python -m tests.switch_config.accept``, then read the diff."""

from __future__ import annotations

from tests.switch_config.test_tree import GOLDEN, golden_files

GOLDEN_NAMES = ("pjsip.conf", "extensions.conf", "manager.conf", "queues.conf")

if __name__ == "__main__":
    for name in GOLDEN_NAMES:
        (GOLDEN / name).write_text(golden_files()[name], encoding="utf-8")
