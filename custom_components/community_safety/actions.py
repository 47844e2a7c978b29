"""What a caller does to alarms and supplies, and that it may: decided here alone.

Home Assistant's actions and the panel's commands both end here.
"""

import asyncio
from collections.abc import Collection, Iterable
from datetime import date

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
    UnknownUser,
)
from homeassistant.util import dt as dt_util

from .commissioning import missing, reports_tests, sign_off
from .const import DOMAIN
from .core.alarm import Alarm, Cause, Outcome, ShelfReason
from .core.alarms import describe
from .core.authority import Action, Subject
from .core.device import SafetyDevice
from .core.disconnect import Checked, Result
from .core.house import DATA_HOUSE, House
from .core.incidents import SHELVABLE, hazard_rank
from .core.latches import LeftReason, OpeningReason, Supply
from .core.orders import Order
from .localization import async_option
from .target import Found, area_of, may

#: So many days ahead somebody may leave a supply off.
MOST_LEFT_DAYS = 365


class Caller:
    """Who asks: a person, or an automation.

    Each method checks first that Home Assistant's permissions let the caller control all
    that it is for, and that no provider of authority objects. It raises Unauthorized or
    HomeAssistantError, and then nothing was done.
    """

    def __init__(self, hass: HomeAssistant, context: Context) -> None:
        """Initialize with the context of the call."""
        self._hass = hass
        self._context = context
        self._house: House = hass.data[DATA_HOUSE]

    async def async_user(self) -> User | None:
        """Return the calling user, None for an automation. Raises UnknownUser."""
        if self._context.user_id is None:
            return None
        if user := await self._hass.auth.async_get_user(self._context.user_id):
            return user
        raise UnknownUser(context=self._context)

    async def async_person(self) -> str:
        """Return who calls: a person's id. Raises ServiceValidationError if it is none."""
        await self.async_user()
        if (who := await self._house.authority.async_person(self._context)) is None:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="needs_person"
            )
        return who

    async def async_acknowledge(self, alarms: Collection[Alarm]) -> None:
        """Note that the caller has seen alarms."""
        who = await self._async_authorize(Action.ACKNOWLEDGE, alarms=alarms)
        for alarm in alarms:
            self._house.book.acknowledge(alarm, who)

    async def async_reset(
        self,
        alarms: Collection[Alarm],
        *,
        outcome: Outcome,
        cause: Cause = Cause.UNKNOWN,
        comment: str | None = None,
        all_or_none: bool,
    ) -> list[Alarm]:
        """Close those that have cleared, by a person; return them.

        Raises ServiceValidationError if none has, or one has not where it is
        `all_or_none`. `comment` is a person's words.
        """
        who = await self.async_person()
        await self.async_check(alarms=alarms)
        present = [alarm for alarm in alarms if alarm.present]
        cleared = [alarm for alarm in alarms if not alarm.present]
        if present and (all_or_none or not cleared):
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="still_present",
                translation_placeholders={
                    "device": str(describe(self._hass, present[0])["device_name"]),
                    "hazard": async_option(self._hass, "hazard", present[0].hazard),
                },
            )
        await self._async_authorize(Action.RESET, alarms=cleared)
        for alarm in cleared:
            if comment:
                self._house.book.note(alarm.id, "note", who=who, text=comment)
            self._house.book.reset(alarm, who, outcome=outcome, cause=cause)
        return cleared

    async def async_cut_off(
        self,
        found: Collection[Found],
        *,
        alarm_id: str | None = None,
        drill: bool = False,
        deadline: float | None = None,
    ) -> list[Result]:
        """Open supplies. An alarm's timeline tells of it, and they stay off with it."""
        alarm = self._house.book.open.get(alarm_id or "")
        who = await self._async_authorize(
            Action.CUT_OFF, found=found, alarms=[alarm] if alarm else ()
        )
        return await self._house.cut_off.async_cut_off(
            _supplies(found),
            alarm_id=alarm_id,
            who=who,
            drill=drill,
            deadline=deadline,
        )

    async def async_restore(
        self, found: Collection[Found], checked: Checked
    ) -> list[Result]:
        """Close latched supplies again, by a person, who says how it was checked."""
        who = await self.async_person()
        await self._async_authorize(Action.RESTORE, found=found)
        return await self._house.cut_off.async_restore(
            _supplies(found), who=who, checked=checked
        )

    async def async_leave_off(
        self,
        found: Collection[Found],
        until: date,
        why: LeftReason,
        comment: str | None = None,
    ) -> None:
        """Put the restore of latched supplies off until a day, by a person who says why.

        Raises ServiceValidationError if that is not one of the days to come, or none of
        them is latched. `comment` is a person's words.
        """
        who = await self.async_person()
        await self._async_authorize(Action.RESTORE, found=found)
        days = (until - dt_util.now().date()).days
        if not 0 < days <= MOST_LEFT_DAYS:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="wrong_day",
                translation_placeholders={"days": str(MOST_LEFT_DAYS)},
            )
        # After it: somebody may have restored one meanwhile.
        latches = [self._house.latches.get(supply) for supply in _supplies(found)]
        if not any(latches):
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="nothing_to_restore"
            )
        self._house.cut_off.leave_off(
            filter(None, latches), until, why, who=who, comment=comment
        )

    async def async_open_protected(
        self, found: Collection[Found], reason: OpeningReason
    ) -> list[Result]:
        """Open protected loads by a person, who names them and says why."""
        who = await self.async_person()
        await self.async_check(found=found)
        for item in found:
            settings = self._house.settings_of(item.uid)
            if settings.is_protected(item.key) is False:
                raise ServiceValidationError(
                    translation_domain=DOMAIN,
                    translation_key="not_protected",
                    translation_placeholders={"device": item.name},
                )
        await self._async_authorize(Action.CUT_OFF, found=found)
        return await self._house.cut_off.async_cut_off(
            _supplies(found), who=who, protected_reason=reason
        )

    async def async_press(
        self, found: Collection[Found], command: str
    ) -> list[HomeAssistantError | None]:
        """Press silence or self-test on devices; return for each why it failed, or None."""
        who = await self._async_authorize(Action(command), found=found)
        book = self._house.book
        if command == "self_test":
            # Before it: a quick device begins before it has answered.
            for item in found:
                book.tests.commanded(item.uid, who)
        # One that does not answer must not keep the others waiting, or stop them.
        errors = await asyncio.gather(*(_async_try(item) for item in found))
        for item, error in zip(found, errors, strict=True):
            for alarm in book.of_device(item.uid):
                book.note(alarm.id, command, who=who, done=error is None)
        return errors

    async def async_sign_off(
        self, item: Found, protected: Collection[str] | None, *, by_hand: bool
    ) -> None:
        """Hand a device over, by a person who says which of its supplies stay on.

        And that it was tried by hand, if it does not report its tests. Raises
        ServiceValidationError if something is missing or was not said, HomeAssistantError if
        it could not be written.
        """
        who = await self.async_person()
        await self._async_authorize(Action.CONFIGURE, found=[item])
        if (device := item.device) is None:
            raise _not_connected(item)
        area_id = area_of(self._hass, device)
        code = next(missing(self._house, device, area_id), None)
        if code is None and (
            set(protected or ()) != device.settings.protected
            or (protected is None and device.supplies)
        ):
            code = "protected_unconfirmed"
        if code is None and not (by_hand or reports_tests(device)):
            code = "by_hand_unconfirmed"
        if code:
            raise _incomplete(device, code)
        sign_off(device, area_id, who)
        await self._house.async_save_settings(device)

    async def async_order_door(
        self, item: Found, order: Order, why: str, comment: str | None
    ) -> None:
        """Have a door opened or locked by a person, who says why, or how it was checked.

        It is written down first. Raises HomeAssistantError if it is not proven.
        """
        who = await self.async_person()
        action = Action.RESTORE if order is Order.LOCK else Action.OPEN_DOOR
        await self._async_authorize(action, found=[item])
        if item.here is None:
            raise _not_connected(item)
        gateway, device = item.here
        if order is Order.OPEN and "open" not in device.description.commands:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="nothing_in_target"
            )
        doors, orders = self._house.doors, self._house.orders
        begun = await orders.async_begin(
            f"{item.uid}/{item.key}", order, who=who, why=why, comment=comment
        )
        proven = False
        try:
            match order:
                case Order.OPEN:
                    await doors.async_let_in(gateway, device, item.key)
                case Order.UNLOCK:
                    await doors.async_unlock(device, item.key)
                case Order.LOCK:
                    await doors.async_lock(device, item.key, who)
            proven = True
        finally:
            await orders.async_end(begun, proven)

    async def async_configure(self, area_ids: Iterable[str]) -> None:
        """Check that a person may change what is shown of places: all that is in them."""
        await self.async_person()
        user = await self.async_user()
        if user and not user.permissions.access_all_entities(POLICY_CONTROL):
            raise Unauthorized(context=self._context, permission=POLICY_CONTROL)
        await self._house.authority.async_authorize(
            Action.CONFIGURE,
            self._context,
            [Subject(area_id=area_id, device_id=None) for area_id in area_ids],
        )

    async def async_note(self, alarm: Alarm, **details: str) -> None:
        """Write a person's words, or a step that was taken, on an alarm's timeline."""
        who = await self.async_person()
        # Who may say that it was seen may say what was seen.
        await self._async_authorize(Action.ACKNOWLEDGE, alarms=[alarm])
        self._house.book.note(alarm.id, "note", who=who, **details)

    async def async_shelve(
        self,
        alarms: Collection[Alarm],
        *,
        seconds: float,
        reason: ShelfReason,
        comment: str | None = None,
    ) -> None:
        """Let warnings and faults call nobody for a while, by a person who says why.

        Raises ServiceValidationError if one of them is about somebody's life, or a drill.
        `comment` is a person's words.
        """
        who = await self.async_person()
        await self._async_authorize(Action.SHELVE, alarms=alarms)
        # After it: one may have become worse meanwhile.
        if any(row.drill or hazard_rank(row) not in SHELVABLE for row in alarms):
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="not_shelvable"
            )
        for alarm in alarms:
            self._house.book.shelve(alarm, who, seconds, reason, comment)

    async def async_unshelve(self, alarms: Collection[Alarm]) -> None:
        """Take alarms off their shelf, by a person."""
        who = await self.async_person()
        await self._async_authorize(Action.SHELVE, alarms=alarms)
        for alarm in alarms:
            self._house.book.unshelve(alarm, who)

    async def async_end_drill(self, alarms: Collection[Alarm]) -> None:
        """Close drills by a person: who may begin a test may end it."""
        who = await self.async_person()
        drills = [alarm for alarm in alarms if alarm.drill]
        await self._async_authorize(Action.SELF_TEST, alarms=drills)
        for device in {alarm.device for alarm in drills}:
            self._house.book.end_drills(device, who=who)

    async def async_check(
        self, *, alarms: Iterable[Alarm] = (), found: Iterable[Found] = ()
    ) -> None:
        """Raise Unauthorized if Home Assistant does not let the caller control all of it."""
        user = await self.async_user()
        for alarm in alarms:
            if not may(self._hass, user, alarm, POLICY_CONTROL):
                raise Unauthorized(context=self._context, permission=POLICY_CONTROL)
        for item in found:
            if user and not user.permissions.check_entity(
                item.entity_id or "", POLICY_CONTROL
            ):
                raise Unauthorized(
                    context=self._context,
                    user_id=user.id,
                    entity_id=item.entity_id,
                    permission=POLICY_CONTROL,
                )

    async def _async_authorize(
        self,
        action: Action,
        *,
        found: Collection[Found] = (),
        alarms: Collection[Alarm] = (),
    ) -> str | None:
        """Check, and ask the providers of authority about all that is meant.

        Returns who calls, None for an automation.
        """
        await self.async_check(alarms=alarms, found=found)
        described = [describe(self._hass, alarm) for alarm in alarms]
        return await self._house.authority.async_authorize(
            action,
            self._context,
            [
                *(
                    Subject(area_id=item.area_id, device_id=item.device_id)
                    for item in found
                ),
                *(
                    Subject(
                        area_id=row["area_id"],
                        device_id=row["device_id"],
                        alarm_id=row["alarm_id"],
                        incident_id=row["incident_id"],
                        drill=row["drill"],
                    )
                    for row in described
                ),
            ],
        )


def _supplies(found: Iterable[Found]) -> list[Supply]:
    return [item.supply for item in found]


def _incomplete(device: SafetyDevice, code: str) -> ServiceValidationError:
    """Return the error of what is still missing before a device is handed over."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=f"commission_{code}",
        translation_placeholders={"device": device.name},
    )


def _not_connected(item: Found) -> HomeAssistantError:
    """Return the error of what is behind a gateway that is not loaded."""
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key="not_connected",
        translation_placeholders={"device": item.name},
    )


async def _async_try(item: Found) -> HomeAssistantError | None:
    """Press a command; return why it failed."""
    if item.here is None:
        return _not_connected(item)
    gateway, device = item.here
    try:
        await gateway.async_press(device, item.key)
    except HomeAssistantError as err:
        return err
    return None
