"""A batch of lines: where it stands, and what is told of it."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from dialplans.batches import Batch, Standing
from dialplans.hours import instant

AT = instant(datetime(2019, 2, 1))
BATCH = Batch(
    "第一批",
    AT,
    ("12315",),
    rehearsal=date(2019, 1, 15),
    back_until_ms=instant(datetime(2019, 3, 1)),
    back_to="own",
)
GONE_BACK = Batch("第一批", AT, ("12315",), None, instant(datetime(2019, 3, 1)), "own", AT + 1000)


@pytest.mark.parametrize(
    ("batch", "moment", "standing"),
    [
        (BATCH, AT - 1, Standing.PLANNED),
        (BATCH, AT, Standing.OPEN),
        (BATCH, instant(datetime(2019, 3, 1)) - 1, Standing.OPEN),
        (BATCH, instant(datetime(2019, 3, 1)), Standing.SETTLED),
        (GONE_BACK, AT + 999, Standing.OPEN),
        (GONE_BACK, AT + 1000, Standing.BACK),
        (GONE_BACK, instant(datetime(2030, 1, 1)), Standing.BACK),
        (Batch("x", AT, ("1",)), AT, Standing.SETTLED),
    ],
)
def test_a_batch_stands_where_its_dates_say(batch: Batch, moment: int, standing: Standing) -> None:
    assert batch.standing(moment) is standing


def test_the_sentence_names_the_batch_and_every_date_that_it_has() -> None:
    assert BATCH.told() == (
        "Batch 第一批: rehearsed 2019-01-15, cutover 2019-02-01 00:00, way back to own until 2019-03-01 00:00."
    )
    assert Batch("二", AT, ("1",)).told() == "Batch 二: cutover 2019-02-01 00:00."
    assert GONE_BACK.told().endswith("switched back 2019-02-01 00:00.")
