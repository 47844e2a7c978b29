"""Rental Units: who lives where, and whom to tell."""

from functools import partial

from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryNotReady
from homeassistant.helpers import (
    config_validation as cv,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.helpers.typing import ConfigType
from homeassistant.setup import async_setup_component

from .access_control.leaving import DATA_LEAVING, Leaving
from .access_control.office import DATA_OFFICES, Office
from .access_control.outbox import holds_card
from .access_control.readers import DATA_READERS, Readers
from .alerts.engine import Engine
from .alerts.history import is_told
from .alerts.manager import (
    async_publish_alerts,
    async_remove_alerts,
    async_setup_alerts,
    async_start_alerts,
    async_stop_alerts,
    async_take_up,
)
from .alerts.policies import reaching
from .app.application import DATA_APPLICATIONS, Application, application_of
from .app.files import async_remove_exports
from .app.schema import database_of
from .app.units import RemoveUnit
from .care.book import DATA_CARE, CareBook
from .care.visits.book import DATA_ROUNDS, RoundBook
from .const import DOMAIN, LOGGER, PLATFORMS
from .desk.book import DATA_DESKS, DeskBook
from .desk.desks import desks_of
from .duties import DutyWatch, tell_apart
from .entity import async_remove_gently
from .forms import current_user
from .issues import forget_issues
from .panel import async_setup_panel
from .places.book import DATA_BOOKS, PlaceBook, async_remove_tags
from .places.resident_view import ResidentView
from .places.rows import is_party
from .places.views import CodeView
from .places.visitors_view import VisitorsView
from .register import Register, RegisterConfigEntry
from .repairs import show_issues, show_start
from .reports.book import DATA_REPORTS, ReportBook, folder_of, open_in_units
from .reports.photos import PhotoFiles
from .reports.views import ReceiptPhotoView, ReceiptView, ReportView
from .scores.book import DATA_SCORES, ScoreBook
from .search.book import DATA_SEARCHES, SearchBook
from .services import async_setup_services
from .sidecar import async_remove_sidecar, async_setup_sidecar
from .sighting_view import SightingPictureView
from .sightings.journal import journal_of
from .spoken import async_load
from .storage.errors import RegisterError
from .transfer.views import async_setup_views
from .websocket import async_setup_websocket

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up the actions."""
    hass.data[DATA_APPLICATIONS] = {}
    hass.data[DATA_OFFICES] = {}
    hass.data[DATA_BOOKS] = {}
    hass.data[DATA_REPORTS] = {}
    hass.data[DATA_SCORES] = {}
    hass.data[DATA_SEARCHES] = {}
    hass.data[DATA_CARE] = {}
    hass.data[DATA_DESKS] = {}
    hass.data[DATA_ROUNDS] = {}
    hass.data[DATA_READERS] = Readers(hass)
    hass.data[DATA_LEAVING] = Leaving(hass, partial(async_remove_sidecar, hass))
    await hass.data[DATA_LEAVING].async_load()
    async_setup_services(hass)
    async_setup_views(hass)
    async_setup_websocket(hass)
    await async_setup_panel(hass)
    await async_setup_alerts(hass)
    await async_load(hass, "desk", "places", "reports", "search", "care/visits")
    hass.http.register_view(CodeView)
    hass.http.register_view(ResidentView(open_in_units))
    hass.http.register_view(VisitorsView)
    hass.http.register_view(ReportView)
    hass.http.register_view(ReceiptView)
    hass.http.register_view(ReceiptPhotoView)
    hass.http.register_view(SightingPictureView)
    await async_setup_sidecar(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: RegisterConfigEntry) -> bool:
    """Set up a property."""
    register = Register(
        hass,
        entry,
        database_of(hass, entry),
        lambda audience: reaching(entry.options, audience),
        is_told() | holds_card() | is_party(),
    )
    application = Application(hass, register)
    office = Office(hass, entry, register)
    book = PlaceBook(hass, entry, register)
    reports = ReportBook(hass, entry, book)
    searches = SearchBook(hass, entry, book, application.permit)
    rounds = RoundBook(hass, entry, register, application.permit)
    care = CareBook(
        hass,
        entry,
        register,
        application.is_resident,
        application.async_end_watches,
    )
    care.visit_by(rounds.async_after_alarm)
    desk = DeskBook(hass, entry, register)
    scores = ScoreBook(hass, entry, book, desk.last_working_day)
    engine: Engine | None = None
    try:
        await register.async_start()
        engine = await async_start_alerts(hass, entry, register)
        await book.async_start()
        await reports.async_start()
        await scores.async_start()
        await searches.async_start()
        await care.async_start()
        await rounds.async_start()
        await desk.async_start()
        await application.async_start(
            {
                "alerts": engine.async_hear,
                "last_known": register.phonebook.async_hear,
                "devices": register.async_hear,
                "access_control": office.async_hear,
                "places": book.async_hear,
                # After the places: it shows what they are called.
                "reports": reports.async_hear,
                "scores": scores.async_hear,
                "searches": searches.async_hear,
                "care": care.async_hear,
                "rounds": rounds.async_hear,
                "desk": desk.async_hear,
            },
            engine.is_active,
            engine.people.is_told,
        )
    except RegisterError as err:
        searches.stop()
        await care.async_stop()
        if engine:
            await engine.async_stop()
        await register.async_stop()
        failure = (
            ConfigEntryAuthFailed
            if err.key == "register_refused"
            else ConfigEntryNotReady
        )
        raise failure(translation_domain=DOMAIN, translation_key=err.key) from err
    entry.runtime_data = register
    # Both at once: who finds one takes the other to be there.
    hass.data[DATA_APPLICATIONS][entry.entry_id] = application
    async_publish_alerts(hass, engine)
    hass.data[DATA_OFFICES][entry.entry_id] = office
    hass.data[DATA_BOOKS][entry.entry_id] = book
    hass.data[DATA_REPORTS][entry.entry_id] = reports
    hass.data[DATA_SCORES][entry.entry_id] = scores
    hass.data[DATA_SEARCHES][entry.entry_id] = searches
    hass.data[DATA_CARE][entry.entry_id] = care
    hass.data[DATA_ROUNDS][entry.entry_id] = rounds
    hass.data[DATA_DESKS][entry.entry_id] = desk
    office.start()
    journal_of(hass).attach(register)
    searches.go_on()
    care.tell_by(engine.personal)
    rounds.go_on()
    show_start(hass, register)
    show_issues(hass, register)
    entry.async_on_unload(register.listen(partial(show_issues, hass, register)))
    tell_apart(hass, entry)
    DutyWatch(hass, register).start()
    _forget_occupied(hass, entry)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    entry.async_on_unload(entry.add_update_listener(_async_updated))
    await async_take_up(hass, entry.entry_id)

    async def stop(_event: Event) -> None:
        # Home Assistant unloads nothing when it ends, and waits for our threads.
        await _async_stop(hass, entry)

    entry.async_on_unload(
        hass.bus.async_listen_once(EVENT_HOMEASSISTANT_FINAL_WRITE, stop)
    )
    return True


def _forget_occupied(hass: HomeAssistant, entry: RegisterConfigEntry) -> None:
    """Remove the entities of before that told every account which units are lived in."""
    registry = er.async_get(hass)
    for row in er.async_entries_for_config_entry(registry, entry.entry_id):
        if row.unique_id.endswith("_occupied"):
            registry.async_remove(row.entity_id)


async def async_unload_entry(hass: HomeAssistant, entry: RegisterConfigEntry) -> bool:
    """Unload a property."""
    await async_remove_gently(hass, entry)
    if unloaded := await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        await _async_stop(hass, entry)
    return unloaded


async def _async_stop(hass: HomeAssistant, entry: RegisterConfigEntry) -> None:
    await journal_of(hass).async_detach(entry.entry_id)
    hass.data[DATA_APPLICATIONS].pop(entry.entry_id, None)
    hass.data[DATA_OFFICES].pop(entry.entry_id, None)
    hass.data[DATA_SCORES].pop(entry.entry_id, None)
    hass.data[DATA_REPORTS].pop(entry.entry_id, None)
    if care := hass.data[DATA_CARE].pop(entry.entry_id, None):
        await care.async_stop()
    hass.data[DATA_DESKS].pop(entry.entry_id, None)
    if searches := hass.data[DATA_SEARCHES].pop(entry.entry_id, None):
        searches.stop()
    if book := hass.data[DATA_BOOKS].pop(entry.entry_id, None):
        await book.async_stop()
    await async_stop_alerts(hass, entry)
    await entry.runtime_data.async_stop()


async def async_remove_entry(hass: HomeAssistant, entry: RegisterConfigEntry) -> None:
    """Erase the people of a property that is removed."""
    # If it was disabled when Home Assistant started, and there is no other, nothing of ours
    # is there yet.
    await async_setup_component(hass, DOMAIN, {})
    forget_issues(hass, entry.entry_id)
    journal_of(hass).forget(entry.entry_id)
    await async_remove_alerts(hass, entry.entry_id)
    register = Register(
        hass,
        entry,
        database_of(hass, entry),
        lambda _audience: (),
        is_told() | holds_card() | is_party(),
    )
    await register.last_known.async_remove()
    database = register.database
    await async_remove_exports(hass, database)
    await _async_remove_photos(hass, entry.entry_id)
    leaving = hass.data[DATA_LEAVING]
    await leaving.async_take(entry, register)
    await async_remove_tags(hass, register)
    if not leaving.keeps(entry.entry_id):
        await register.keys.async_remove()
    try:
        await database.async_erase()
    except RegisterError as err:
        LOGGER.error("The register of a removed property could not be erased: %s", err)
    finally:
        await database.async_close()
        leaving.wake()
        if not leaving.keeps():
            await async_remove_sidecar(hass)


async def _async_remove_photos(hass: HomeAssistant, entry_id: str) -> None:
    try:
        await hass.async_add_executor_job(
            PhotoFiles(folder_of(hass, entry_id)).remove_all
        )
    except OSError as err:
        # Without the register's keys nobody can open them.
        LOGGER.error("Photos of a removed property stay: %s", err.strerror)


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: RegisterConfigEntry, device: dr.DeviceEntry
) -> bool:
    """Remove a unit with its device; return if the device may go.

    Raises ServiceValidationError where the unit has to stay: people are in it, or an alert
    about it is open.
    """
    keys = {key for domain, key, *_ in device.identifiers if domain == DOMAIN}
    for unit_id in keys & entry.runtime_data.units.keys():
        application = application_of(hass, entry.entry_id)
        await application.async_fill(RemoveUnit(unit_id), current_user())
    # The property's own device comes back with the next start, and those of its desks.
    return not keys & {entry.entry_id, *desks_of(entry)}


async def _async_updated(hass: HomeAssistant, entry: RegisterConfigEntry) -> None:
    tell_apart(hass, entry)
    if desk := hass.data[DATA_DESKS].get(entry.entry_id):
        desk.follow_options()
    await entry.runtime_data.async_sync()
