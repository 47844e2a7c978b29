"""The phone on the property manager's desk: it stands for what a compound has already.

Home Assistant finds it as a notify entity (MQTT discovery), and what is sent to it
arrives here, so that the demo can tell when it did. Residents have phones of their own:
see mobile.py.
"""

from typing import Any

from .link import Link

DISCOVERY = "homeassistant"
TOPIC = "simulator/phone"
#: Names by id, in English and Chinese. No people: roles.
PHONES = {
    "manager": ("Property manager's phone", "物业值班手机", "物業值班手機"),
}


def discovery(language: int) -> dict[str, dict[str, Any]]:
    """Return the discovery messages by topic; `language` is the index of the names."""
    return {
        f"{DISCOVERY}/notify/xingqiao_{phone}/config": {
            "name": None,
            "unique_id": f"xingqiao_{phone}",
            "default_entity_id": f"notify.{phone}_phone",
            "command_topic": f"{TOPIC}/{phone}",
            "command_template": "{{ {'message': value} | to_json }}",
            "qos": 1,
            "device": {
                "identifiers": [f"xingqiao_{phone}"],
                "name": names[language],
                "manufacturer": "Xingqiao Simulation",
                "model": "Phone",
            },
        }
        for phone, names in PHONES.items()
    }


def announce(link: Link, language: int) -> None:
    """Tell Home Assistant of the phones."""
    for topic, message in discovery(language).items():
        link.publish(topic, message, retain=True)
