"""Which days are worked in a country, by those libraries that know it.

In China the State Council says for each year, in the autumn before, which days are off and
which weekends are worked. For other countries it is the library of Home Assistant's own
*Workday*, in the version that this Home Assistant asks for.
"""

from datetime import date
from functools import partial

from homeassistant.core import HomeAssistant
from homeassistant.loader import IntegrationNotFound
from homeassistant.requirements import (
    RequirementsNotFound,
    async_get_integration_with_requirements,
)
from homeassistant.util import dt as dt_util

from ..const import LOGGER
from .days import Look

CHINA = "CN"
_WORKDAY = "workday"


async def async_look(hass: HomeAssistant) -> Look:
    """Return who knows the days of Home Assistant's country; where nobody does, who says so."""
    country, year = hass.config.country, dt_util.now().year
    if country is None:
        return _nobody
    try:
        if country == CHINA:
            return await hass.async_add_import_executor_job(_china)
        await async_get_integration_with_requirements(hass, _WORKDAY)
        return await hass.async_add_import_executor_job(
            partial(_other, country, range(year - 1, year + 3))
        )
    except (ImportError, IntegrationNotFound, RequirementsNotFound) as err:
        LOGGER.warning("Working days of %s are assumed: %s", country, err)
    except NotImplementedError:
        LOGGER.info("Working days of %s are assumed: no library knows them", country)
    return _nobody


def _nobody(_day: date) -> None:
    """Say nothing of a day."""


def _china() -> Look:
    from chinese_calendar import is_workday  # noqa: PLC0415

    def look(day: date) -> bool | None:
        try:
            return is_workday(day)
        except NotImplementedError:
            # Of a year that was not announced when the library was made.
            return None

    return look


def _other(country: str, years: range) -> Look:
    """Return who knows these years of a country. Raises NotImplementedError if nobody does."""
    from holidays import country_holidays  # noqa: PLC0415

    # All at once: what is found later would be found by several threads.
    known = country_holidays(country, years=years, expand=False)

    def look(day: date) -> bool | None:
        return known.is_working_day(day) if day.year in years else None

    return look
