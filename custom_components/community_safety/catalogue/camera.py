"""Cameras, and the recordings of them that whoever records keeps."""

from homeassistant.components.number import NumberDeviceClass
from homeassistant.const import UnitOfTime

from . import common
from .model import DeviceKind, Setting

SHORTEST_RETENTION = Setting(
    key="shortest_retention",
    default=30,
    low=1,
    high=3650,
    unit=UnitOfTime.DAYS,
    device_class=NumberDeviceClass.DURATION,
    enabled=True,
    source="保安服务管理条例 article 25: kept for 30 days at least",
)

CAMERA = DeviceKind(
    key="camera",
    measurements=(
        *common.MEASUREMENTS,
        "video_lost",
        "recording",
        "oldest_recording",
        "not_recording",
        "recordings_short",
    ),
    hazards=(
        # Whatever records it may begin anew with it: that takes less.
        common.fault("video_lost", "video_lost", delay=30),
        common.fault("not_recording", "not_recording", delay=60),
        common.fault("recordings_short", "recordings_short"),
        *common.FAULTS,
    ),
    settings=(SHORTEST_RETENTION,),
    variants={
        "public_place": {},
        # 反恐怖主义法 article 32: 90 days at least.
        "key_site": {"shortest_retention": 90},
    },
    mains=True,
)
