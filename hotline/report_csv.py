"""A planner's report as CSV: one row a half hour, in the columns' own units, so that a spreadsheet can go on with it."""

from __future__ import annotations

import csv
import io
import math

from hotline.report_view import View

COLUMNS = (
    "half_hour", "calls", "seats", "seats_needed", "answer_rate", "answer_rate_low", "answer_rate_high",
    "mean_wait_s", "mean_wait_low_s", "mean_wait_high_s", "occupancy",
)  # fmt: skip


def table(view: View) -> str:
    """The text of the file; a field is empty where nobody called. It begins with the mark by which spreadsheets know UTF-8."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for n, name in enumerate(view.half_hours):
        rate, wait = view.answer_rate.at(n), view.wait_s.at(n)
        values = (
            view.offered[n], view.seats[n], view.need[n], rate.mean, rate.low, rate.high,
            wait.mean, wait.low, wait.high, view.occupancy[n],
        )  # fmt: skip
        rows.writerow([name, *("" if math.isnan(value) else f"{value:.6g}" for value in values)])
    return "\ufeff" + file.getvalue()
