"""The scores of property management, from a panel."""

from decimal import Decimal, InvalidOperation
from typing import Any

import voluptuous as vol

from homeassistant.helpers import config_validation as cv

from ..app.scores import (
    AddEntry,
    CommentOnSheet,
    Count,
    DecideAppeal,
    FreezeSheet,
    GetCatalogue,
    GetScores,
    GetSheet,
    OpenSheet,
    PutCounts,
    Read,
    SaveCatalogue,
    StateFact,
    WithdrawEntry,
    read_catalogue,
)
from ..scores.book import DATA_SCORES, ScoreBook
from ..scores.canonical import rounded
from ..scores.const import (
    MOST_BYTES,
    MOST_CASES,
    MOST_COUNT,
    MOST_LETTERS,
    CountKind,
    Outcome,
)
from .base import REASON, TEXT, Ask, command


def _number(value: Any) -> Decimal:
    """Return a number with at most two decimals. Raises vol.Invalid."""
    try:
        found = Decimal(str(value))
        if isinstance(value, bool) or not 0 <= found < MOST_COUNT:
            raise vol.Invalid("no number")
    except InvalidOperation:
        raise vol.Invalid("no number") from None
    if found != rounded(found):
        raise vol.Invalid("too many decimals")
    return found


_NOTE = vol.All(cv.string, vol.Length(max=MOST_LETTERS))
_MONTH: dict[vol.Marker, Any] = {vol.Required("month"): TEXT, **REASON}


def _book(ask: Ask) -> ScoreBook:
    return ask.hass.data[DATA_SCORES][ask.application.register.entry.entry_id]


@command(
    "score_catalogue",
    {vol.Optional("version"): TEXT, **REASON},
    "get_score_catalogue",
)
async def score_catalogue(ask: Ask) -> dict[str, Any]:
    """Show the criteria of this month, or of a `version`, with the file (`source`) that they were read from; and which versions there are."""
    return await ask.async_do(GetCatalogue(ask.data.get("version")))


@command(
    "save_score_catalogue",
    {
        vol.Required("content"): vol.All(cv.string, vol.Length(max=MOST_BYTES)),
        vol.Optional("dry_run", default=True): cv.boolean,
        **REASON,
    },
    "save_score_catalogue",
)
async def save_score_catalogue(ask: Ask) -> dict[str, Any]:
    """Read criteria from YAML or JSON; without `dry_run` they are in force from their first month on. What is wrong is refused as a whole, with where it is."""
    await ask.application.async_authorize(ask.context, SaveCatalogue.name, ask.why)
    found = await ask.hass.async_add_executor_job(
        read_catalogue, ask.data["content"].encode()
    )
    saved = None if ask.data["dry_run"] else await ask.async_do(found)
    return {"catalogue": found.catalogue.as_data(), "saved": saved}


@command("scores", REASON, "get_scores")
async def scores(ask: Ask) -> dict[str, Any]:
    """List the sheets of months with what they come to (`score` is `null` where something is not known), the figures that were entered, and if the chain of records is whole."""
    return await ask.async_do(GetScores())


@command("score_sheet", _MONTH, "get_score_sheet")
async def score_sheet(ask: Ask) -> dict[str, Any]:
    """Show the sheet of a month: facts with their time and source, entries, comments, and what they come to. What people wrote is in `texts`, by its digest."""
    return await _async_show(ask, ask.data["month"])


async def _async_show(ask: Ask, month: str) -> dict[str, Any]:
    sheet: dict[str, Any] = await ask.async_do(GetSheet(month))
    who = [row.get("who") for row in sheet.get("entries", ())]
    who += [row.get("who") for row in sheet.get("comments", ())]
    who += [row.get("decided_by") for row in sheet.get("comments", ())]
    who += [row.get("stated_by") for row in sheet.get("facts", {}).values()]
    who += [sheet.get("opened_by"), sheet.get("frozen_by")]
    return {**sheet, "accounts": await ask.async_accounts(who)}


@command(
    "add_score_entry",
    {
        **_MONTH,
        vol.Required("criterion"): TEXT,
        vol.Optional("cases", default=1): vol.All(
            int, vol.Range(min=1, max=MOST_CASES)
        ),
        vol.Optional("points"): _number,
        vol.Optional("note", default=""): _NOTE,
    },
    "add_score_entry",
)
async def add_score_entry(ask: Ask) -> dict[str, Any]:
    """Enter cases of a criterion in the sheet of a month, with what was seen. `points` of each, where the criterion leaves them open."""
    data = ask.data
    return await ask.async_do(
        AddEntry(
            data["criterion"],
            data["cases"],
            data["month"],
            data.get("points"),
            data["note"],
        )
    )


@command(
    "withdraw_score_entry",
    {vol.Required("entry"): TEXT, **REASON},
    "withdraw_score_entry",
)
async def withdraw_score_entry(ask: Ask) -> dict[str, Any]:
    """Take back an entry of a draft: it stays on the sheet, and counts no more. One's own, or any for who judges."""
    return await ask.async_do(WithdrawEntry(ask.data["entry"]))


@command(
    "state_score_fact",
    {
        **_MONTH,
        vol.Required("criterion"): TEXT,
        vol.Exclusive("value", "what"): _number,
        vol.Exclusive("left_out", "what"): True,
        vol.Optional("note", default=""): _NOTE,
    },
    "state_score_fact",
)
async def state_score_fact(ask: Ask) -> dict[str, Any]:
    """Say what could not be read (`value`), or that the month is not judged by it (`left_out`); neither takes that back. What is known is said anew only after an appeal about it was accepted."""
    data = ask.data
    return await ask.async_do(
        StateFact(
            data["month"],
            data["criterion"],
            data["note"],
            data.get("value"),
            data.get("left_out", False),
        )
    )


@command(
    "put_score_counts",
    {
        **_MONTH,
        vol.Required("kind"): vol.Coerce(CountKind),
        vol.Required("count"): vol.All(int, vol.Range(min=0, max=MOST_COUNT)),
    },
    "put_score_counts",
)
async def put_score_counts(ask: Ask) -> None:
    """Enter a figure of a month: police calls, disputes, or households. The last one counts."""
    data = ask.data
    await ask.async_do(PutCounts([Count(data["month"], data["kind"], data["count"])]))


@command("open_score_sheet", _MONTH, "open_score_sheet")
async def open_score_sheet(ask: Ask) -> dict[str, Any]:
    """Read the facts of a month that is over for the last time, and show its sheet for comments and appeals, for five working days."""
    await ask.application.async_authorize(ask.context, OpenSheet.name, ask.why)
    book, month = _book(ask), ask.data["month"]
    read = Read(await book.async_alarms(month), book.units)
    return await ask.async_do(OpenSheet(month, read, book.working_day))


@command(
    "comment_score",
    {
        **_MONTH,
        vol.Required("note"): _NOTE,
        vol.Optional("criterion"): TEXT,
        vol.Optional("entry"): TEXT,
        vol.Optional("appeal", default=False): cv.boolean,
    },
    "comment_score",
    "appeal_score",
)
async def comment_score(ask: Ask) -> dict[str, Any]:
    """Say something about a sheet that is open, about one of its criteria or entries; or appeal, which is decided before the sheet is frozen."""
    data = ask.data
    return await ask.async_do(
        CommentOnSheet(
            data["month"],
            data["note"],
            data.get("criterion"),
            data.get("entry"),
            data["appeal"],
        )
    )


@command(
    "decide_score_appeal",
    {
        vol.Required("comment"): TEXT,
        vol.Required("outcome"): vol.Coerce(Outcome),
        vol.Required("note"): _NOTE,
        **REASON,
    },
    "decide_score_appeal",
)
async def decide_score_appeal(ask: Ask) -> dict[str, Any]:
    """Decide an appeal of another: an entry that it was about is withdrawn if it is accepted, a fact can be said anew then."""
    data = ask.data
    return await ask.async_do(
        DecideAppeal(data["comment"], data["outcome"], data["note"])
    )


@command("freeze_score_sheet", _MONTH, "freeze_score_sheet")
async def freeze_score_sheet(ask: Ask) -> dict[str, Any]:
    """Freeze a sheet of which the time for comments is over and all appeals are decided: it is published, and nothing changes it any more."""
    return await ask.async_do(FreezeSheet(ask.data["month"], _book(ask).whose_sheet))
