"""Devices that Zigbee2MQTT knows, as models of the simulated co-processor."""

from dataclasses import replace

from simulator.devices import BreakerMonitor
from simulator.ezsp.models import MODELS, SMART_PLUG, Endpoint, Model, Source

#: HS1SA-E. To end devices with Heiman's own manufacturer code the host gives ten seconds
#: before the interview; nothing else depends on the code.
SMOKE = replace(MODELS["smoke"], manufacturer_code=0x1002)

#: TS011F_din_smart_relay: its relay can be asked, its meter reports at most every five seconds.
RELAY = Model(
    "din-relay",
    "_TZ3000_8bxrzyxz",
    "TS011F",
    BreakerMonitor,
    {
        1: Endpoint(
            SMART_PLUG,
            (
                "basic",
                "identify",
                "groups",
                "scenes",
                "on_off",
                "metering",
                "electrical",
            ),
            ("time", "ota"),
            values={"basic.power_source": 1},
            sources=(
                Source("on_off.on_off", "supply"),
                Source("electrical.power", "power"),
                Source("electrical.current", "current", 1000),
                Source("electrical.voltage", "voltage"),
                Source("metering.delivered", "energy", 100),
            ),
            switch="supply",
        )
    },
)
