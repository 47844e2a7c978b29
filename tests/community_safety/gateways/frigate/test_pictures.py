"""What a camera saw is fetched when somebody asks, and by nobody's but an object's name."""

from types import SimpleNamespace
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.pictures import async_hand_over
from custom_components.community_safety.gateways.frigate import server
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from simulator.frigate import JPEG, PASSWORD, TOKEN_LIFE, USERNAME, Frigate
from tests.common import Peer

from .common import add_frigate, device_of, issues


def camera_of(hass: HomeAssistant) -> str:
    """Return Home Assistant's id of the camera."""
    found = device_of(hass).device_id
    assert found
    return found


async def test_fetched(
    hass: HomeAssistant, entry: MockConfigEntry, frigate: Frigate
) -> None:
    """As the camera has it; of what it has none, or is no object, that is said."""
    pictures = hass.data[DATA_HOUSE].pictures
    person = frigate.see(label="person")
    assert pictures.has(camera_of(hass))
    assert await pictures.async_fetch(camera_of(hass), person.id) == JPEG
    frigate.asked.clear()
    for name in ("../config?x=", "", "a b", "1/../../config"):
        with pytest.raises(HomeAssistantError) as failure:
            await pictures.async_fetch(camera_of(hass), name)
        assert failure.value.translation_key == "refused"
    assert frigate.asked == []
    with pytest.raises(HomeAssistantError) as failure:
        await pictures.async_fetch(camera_of(hass), "1790000000.5-abcdef")
    assert failure.value.translation_key == "refused"


async def test_not_without_end(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    frigate: Frigate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A picture that is larger than a camera's fills no memory; the gateway goes on."""
    person = frigate.see(label="person")
    person.picture = JPEG * 10
    monkeypatch.setattr(server, "MOST_PICTURE_BYTES", len(JPEG))
    pictures = hass.data[DATA_HOUSE].pictures
    with pytest.raises(HomeAssistantError) as failure:
        await pictures.async_fetch(camera_of(hass), person.id)
    assert failure.value.translation_key == "not_connected"
    assert issues(hass) == []


async def test_with_a_log_in(
    hass: HomeAssistant,
    peer: Peer,
    frigate: Frigate,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Its token has ended since: another one is asked for."""
    frigate.users[USERNAME] = PASSWORD
    await add_frigate(hass, peer, frigate, username=USERNAME, password=PASSWORD)
    person = frigate.see(label="person")
    freezer.tick(TOKEN_LIFE)
    log_ins = frigate.log_ins
    pictures = hass.data[DATA_HOUSE].pictures
    assert await pictures.async_fetch(camera_of(hass), person.id) == JPEG
    assert frigate.log_ins == log_ins + 1


async def test_of_what_keeps_none(
    hass: HomeAssistant, entry: MockConfigEntry, frigate: Frigate
) -> None:
    """A device of another, one that is not there, and a camera whose gateway is away."""
    pictures, camera = hass.data[DATA_HOUSE].pictures, camera_of(hass)
    assert not pictures.has("unknown")
    await hass.config_entries.async_unload(entry.entry_id)
    assert not pictures.has(camera)
    with pytest.raises(HomeAssistantError):
        await pictures.async_fetch(camera, "1790000000.5-abcdef")


async def test_whoever_takes_them_fails(
    hass: HomeAssistant, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """That ends nothing else."""

    async def fail(*_: Any) -> None:
        raise ValueError("no")

    platform = SimpleNamespace(async_take_pictures=fail)
    pictures = hass.data[DATA_HOUSE].pictures
    await async_hand_over(hass, pictures, "other", platform)
    assert "other did not take the pictures" in caplog.text
