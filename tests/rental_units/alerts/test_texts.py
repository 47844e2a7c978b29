"""What people read, sentence by sentence."""

import pytest

from custom_components.rental_units.alerts import texts
from custom_components.rental_units.alerts.models import Alert
from homeassistant.util import dt as dt_util


@pytest.mark.parametrize(
    ("language", "hazard", "severity", "said"),
    [
        ("en", "leakage", "warning", "Electrical leakage at 1-1-201, {time}. Do not"),
        ("en", "false_alarm", "message", "False alarm at 1-1-201, {time}. The alarm"),
        ("en", None, "alarm", "Alarm at 1-1-201, {time}."),
        ("zh-Hans", "smoke", "alarm", "{time}，1-1-201发生烟雾报警。请立即"),
        ("zh-Hans", "overcurrent", "warning", "{time}，1-1-201发生过电流预警。请勿"),
        ("zh-Hans", "low_battery", "fault", "{time}，1-1-201发生电池电量低故障。"),
        ("zh-Hans", "all_clear", "alarm", "{time}，1-1-201：警报解除。警报已结束"),
        ("zh-Hans", "false_alarm", "message", "{time}，1-1-201：误报。警报已结束"),
        ("zh-Hans", None, "alarm", "{time}，1-1-201发生报警。"),
        ("zh-Hant", "overcurrent", "warning", "{time}，1-1-201發生過電流預警。請勿"),
        ("zh-Hant", "all_clear", "message", "{time}，1-1-201：警報解除。警報已結束"),
    ],
)
def test_body(language: str, hazard: str | None, severity: str, said: str) -> None:
    """The sentence names the severity once, and no all-clear reads as an alarm."""
    alert = Alert(
        created_at=1_795_576_829, hazard=hazard, severity=severity, place="1-1-201"
    )
    at = dt_util.as_local(dt_util.utc_from_timestamp(alert.created_at))
    assert texts.body(alert, language).startswith(said.format(time=f"{at:%H:%M}"))
