"""A watch ends with its consent, its person and their stay, and nothing of it is left."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed
from sqlalchemy import func, select

from custom_components.rental_units.care.const import Because
from custom_components.rental_units.care.models import CareMonth, CareWatch
from custom_components.rental_units.register.models import Audit, Person
from homeassistant.util import dt as dt_util
from tests.rental_units.common import call, device_id

from .conftest import RELATIVE, TITLE, Home


async def rows(home: Home, model: Any = CareWatch) -> int:
    """Return how many rows there are."""
    return await home.entry.runtime_data.async_run(
        lambda session: session.scalar(select(func.count()).select_from(model))
    )


async def is_gone(home: Home) -> bool:
    """Return if nothing is left, and who was being asked is asked no more."""
    assert home.messages.open == set()
    return not (home.book.wards or await home.kept() or await rows(home))


async def next_day(home: Home) -> None:
    """Let midnight come."""
    home.freezer.move_to(dt_util.start_of_local_day() + timedelta(days=1, seconds=1))
    async_fire_time_changed(home.hass)
    await home.settle()


@pytest.mark.parametrize("how", ["care", "consent", "erased"])
async def test_revoked(home: Home, how: str) -> None:
    """In the middle of a question: what was learned is gone with it, and whom they had named."""
    await home.start()
    await home.stir()
    await home.ask_at()
    assert home.messages.open
    if how == "care":
        await home.desk().async_revoke(home.watch_id)
    elif how == "consent":
        data = {"person_id": home.person, "scope": "inactivity"}
        await call(home.hass, "revoke_consent", data)
    else:
        await call(home.hass, "erase_person", {"person_id": home.person})
    await home.settle()
    assert await is_gone(home)
    names = await home.entry.runtime_data.async_run(
        lambda session: set(session.scalars(select(Person.name)))
    )
    assert names == (set() if how == "erased" else {"MARK-NAME-1"})
    # Nothing comes back by what is written late.
    await home.go(0.5)
    await home.reload()
    assert await is_gone(home)
    # That people were asked is counted, without anybody.
    assert await rows(home, CareMonth) == 1


async def test_perinatal_ends_by_itself(home: Home) -> None:
    """Forty-two days after the birth, unless it was renewed."""
    today = home.entry.runtime_data.today
    await home.start(because=Because.PERINATAL, born=today - timedelta(days=41))
    shown = await home.desk().async_get(home.watch_id)
    assert shown["until"] == (today + timedelta(days=1)).isoformat()
    assert shown["because"] == "perinatal"
    await next_day(home)
    await home.desk().async_change(
        home.watch_id, said={"until": today + timedelta(days=2)}
    )
    await next_day(home)
    assert home.watch_id in home.book.wards
    await next_day(home)
    assert await is_gone(home)


@pytest.mark.parametrize("in_days", [0, 1])
async def test_moved_out(home: Home, in_days: int) -> None:
    """Who has left is watched no more; who is to leave, until that day is over."""
    await home.start()
    leaves = home.entry.runtime_data.today + timedelta(days=in_days)
    data = {"device_id": device_id(home.hass, home.entry, TITLE), "date": leaves}
    await call(home.hass, "check_out", data)
    await home.settle()
    for _ in range(2 * in_days):
        assert len(await home.kept()) == 1
        await next_day(home)
    assert await is_gone(home)
    who = await home.entry.runtime_data.async_run(
        lambda session: session.scalars(
            select(Audit.person_id).where(Audit.what == "care_revoke")
        ).all()
    )
    assert who == [home.person]


@pytest.mark.parametrize("watched", ["both", "kept", "other"])
@pytest.mark.parametrize("is_later", [False, True])
async def test_two_who_are_one(home: Home, watched: str, is_later: bool) -> None:
    """One watch goes on, by the consent that counts, with what it has learned."""
    kept = await home.move_in()
    other = await home.move_in(name="MARK-N", phone="13800138014")
    both = [kept, other] if is_later else [other, kept]
    ids: dict[str, str] = {}
    for person in both:
        if watched == "both" or person == {"kept": kept, "other": other}[watched]:
            ids[person] = await home.start(contacts=[RELATIVE], person=person)
        else:
            data = {"person_id": person, "scope": "inactivity"}
            await call(home.hass, "give_consent", data)
        home.freezer.tick(60)
    await home.stir()
    last = dt_util.utcnow().timestamp()
    merge = {"person_id": kept, "duplicate_id": other}
    await call(home.hass, "merge_people", merge)
    await home.settle()
    (stays,) = [key for key in ids.values() if key in home.book.wards]
    if watched == "both":
        assert stays == ids[both[1]]
    assert await rows(home) == len(await home.kept()) == 1
    assert home.book.facts[stays].person_id == kept
    await home.reload()
    assert home.book.wards[stays].watch.kept.last == last


async def test_retention_ends_no_watch(home: Home) -> None:
    """What it holds is kept for as long as it goes on."""
    await home.start()
    home.freezer.tick(timedelta(days=400))
    await next_day(home)
    assert len(await home.kept()) == 1
