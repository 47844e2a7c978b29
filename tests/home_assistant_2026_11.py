"""A pytest plugin: run the test package for Home Assistant 2026.10 on 2026.11.

pytest-homeassistant-custom-component has no release for 2026.11 yet. Its last one asks the logger
integration for a function that 2026.11 keeps in a module of it, and needs nothing else. scripts/test
loads this plugin ahead of that package; both go once there is a release for 2026.11.
"""

# The test package patches these functions before anything else imports Home Assistant.
from pytest_homeassistant_custom_component import (  # noqa: F401  # isort: skip
    patch_json,
    patch_recorder,
    patch_time,
)

from homeassistant.components import logger
from homeassistant.components.logger import helpers

vars(logger)["_clear_logger_overwrites"] = vars(helpers)["_clear_logger_overwrites"]
