"""Phones of people: they stand for whatever a compound uses to reach somebody.

Home Assistant finds them as notify entities (MQTT discovery), and what is sent to them
arrives here, so that the demo can tell when it did.
"""

from typing import Any

from .link import Link

DISCOVERY = "homeassistant"
TOPIC = "simulator/phone"
#: Names by id, in English and Chinese. No people: roles.
PHONES = {
    "manager": ("Property manager's phone", "物业值班手机"),
    "landlord": ("Landlord's phone", "房东手机"),
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
