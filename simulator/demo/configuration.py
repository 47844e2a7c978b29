"""The configuration folder of the demo's Home Assistant."""

from datetime import UTC, datetime
import json
import os
from pathlib import Path
from typing import Any

from .place import CONFIG, REPOSITORY

#: No default_config: it brings the cloud, Bluetooth and discovery in the network.
#: No http: what stands there is staged, and reverted after five minutes.
CONFIGURATION_YAML = """\
# The configuration of the demo. It is kept as you change it; delete the folder to
# begin anew.
homeassistant: !include homeassistant.yaml
automation: !include automations.yaml
script: !include scripts.yaml
config:
energy:
frontend:
history:
logbook:
mobile_app:
schedule:
system_health:
logger:
  default: warning
  logs:
    # The demo's camera sends pictures. A machine without ffmpeg and libturbojpeg is fine.
    haffmpeg: critical
    homeassistant.components.camera.img_util: critical
"""
DOMAINS = ("community_safety", "rental_units")


def prepare(port: int) -> None:
    """Write what is missing, and have Home Assistant listen on 127.0.0.1 alone."""
    (CONFIG / ".storage").mkdir(parents=True, exist_ok=True)
    for name, content in {
        "configuration.yaml": CONFIGURATION_YAML,
        "automations.yaml": "[]\n",
        "scripts.yaml": "{}\n",
    }.items():
        if not (path := CONFIG / name).exists():
            path.write_text(content, "utf-8")
    # The links in messages lead to this machine, on which the phones are too.
    (CONFIG / "homeassistant.yaml").write_text(
        f"allowlist_external_urls:\n  - http://127.0.0.1:{port}\n", "utf-8"
    )
    for domain in DOMAINS:
        _link_integration(domain)
    confirm_http(CONFIG, port)
    if not (CONFIG / ".storage/onboarding").exists():
        begin_onboarding(CONFIG)


def begin_onboarding(folder: Path) -> None:
    """Have the first user asked for nothing that makes Home Assistant call out.

    The step "core_config" would add a weather forecast, a radio and a speech service.
    What it configures can be set afterwards.
    """
    _store(folder, "onboarding", 4, 1, {"done": ["core_config"]})


def confirm_http(folder: Path, port: int) -> None:
    """Have the Home Assistant of a folder listen on a port of 127.0.0.1 alone, for good.

    What stands in its YAML would be tried, and reverted by a restart after five minutes.
    """
    (folder / ".storage").mkdir(parents=True, exist_ok=True)
    _store(folder, "http", 2, 2, _http(port))


def _link_integration(domain: str) -> None:
    target = REPOSITORY / "custom_components" / domain
    link = CONFIG / "custom_components" / domain
    link.parent.mkdir(exist_ok=True)
    if link.is_symlink():
        link.unlink()
    link.symlink_to(os.path.relpath(target, link.parent))


def _http(port: int) -> dict[str, Any]:
    """Return the HTTP configuration as one that was tried and confirmed."""
    return {
        "stable": {
            "server_host": ["127.0.0.1"],
            "server_port": port,
            "cors_allowed_origins": [],
            "login_attempts_threshold": -1,
            "ip_ban_enabled": True,
            "ssl_profile": "modern",
            "use_x_frame_options": True,
            "created_at": datetime.now(UTC).isoformat(),
            "error": None,
            "error_message": None,
        },
        "pending": None,
        "yaml_migration_done": True,
    }


def _store(
    folder: Path, key: str, version: int, minor: int, data: dict[str, Any]
) -> None:
    path = folder / ".storage" / key
    path.write_text(
        json.dumps(
            {"version": version, "minor_version": minor, "key": key, "data": data},
            indent=2,
        ),
        "utf-8",
    )
    path.chmod(0o600)
