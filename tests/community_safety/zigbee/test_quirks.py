"""What zha-quirks' models are to us."""

from scripts.quirks_report import GUIDE, MODELS, read, texts


async def test_documentation_is_up_to_date(socket_enabled: None) -> None:
    """`scripts/quirks` was run after the last change, and nothing of a quirk was lost."""
    total, rows, failed = await read()
    assert total > 1000
    assert sum(failed.values()) < 10
    kinds = {profile.kind for _name, profile in rows}
    assert {"smoke_sensor", "breaker_monitor", "water_tank"} <= kinds
    names = [name for name, _profile in rows]
    assert "_TZE200_hkdl5fmv TS0601" in names
    assert "_TZE284_kyyu8rbj TS0601" in names
    counts, models = texts(total, rows)
    assert counts in GUIDE.read_text("utf-8")
    assert models == MODELS.read_text("utf-8")
