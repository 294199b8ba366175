"""What `hotline status` tells of a real switch: trunks whose other side does not answer, and who is back."""

from __future__ import annotations

import pytest

from hotline import status
from hotline.city import City
from hotline.rehearsal.farend_live import FarEnd
from tests.switch.conftest import city_text, moved, town

pytestmark = [pytest.mark.switch, pytest.mark.asyncio]


async def test_a_trunk_that_nobody_answers_on_is_an_alarm_until_somebody_does() -> None:
    city = City.read(moved(city_text("zhengzhou"), "127.39.8"), "zhengzhou")
    async with town(city) as here:

        def away() -> set[str]:
            alarms = status.read(here.platform.place.home).alarms
            return {alarm.subject for alarm in alarms if alarm.what == "trunk away"}

        await here.until(lambda: away() >= {"unicom", "telecom"}, "both carriers are away", 30)
        async with FarEnd(*here.far("unicom")):
            await here.until(lambda: "unicom" not in away(), "one is back", 30)
            assert "telecom" in away()
