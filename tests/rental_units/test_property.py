from .conftest import unit


async def test_units(hass, entry):
    for n in range(3):
        hass.config_entries.async_add_subentry(
            entry, unit("1", "1", str(n), area_id="a")
        )
    await hass.async_block_till_done()
    print(hass.states.async_all())
    assert len(entry.runtime_data.units_of_area("a")) == 3
    assert (
        len(entry.runtime_data.neighbours(entry.runtime_data.units_of_area("a")[0]))
        == 2
    )
