"""Accounts and roles in the options of a property: who may do what, given and taken."""

from collections.abc import Awaitable, Mapping
from datetime import date
from typing import Any

import voluptuous as vol

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv, selector

from .app.accounts import GIVEN, OF_A_PERSON, GetRoles, GrantRole, RevokeRole
from .app.application import OWN_LEASES
from .app.policy import AccountRole
from .app.reading import GetUnit
from .app.work import Command
from .labels import async_labels, async_viewer_language
from .unit_flow import UnitOptionsFlow


def _select(
    options: Mapping[str, str], *, multiple: bool = False
) -> selector.SelectSelector:
    """Return a list to choose from, by what is shown for each value."""
    return selector.SelectSelector(
        selector.SelectSelectorConfig(
            options=[
                selector.SelectOptionDict(value=value, label=label)
                for value, label in options.items()
            ],
            multiple=multiple,
            mode=selector.SelectSelectorMode.DROPDOWN,
        )
    )


class RolesFlow(UnitOptionsFlow):
    """The part of the options that is about roles. Nothing of it becomes an option."""

    _user_id = ""
    _role = AccountRole.MANAGER
    _until: date | None = None

    async def async_step_roles(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show who has which role, and ask what is to become of it."""
        lines = (await self._async_held()).values()
        language = await async_viewer_language(self.hass)
        words = await async_labels(self.hass, "role_line", language)
        return self.async_show_menu(
            step_id="roles",
            menu_options=["role_give", "role_take"] if lines else ["role_give"],
            description_placeholders={
                "roles": "\n".join(f"- {line}" for line in lines) or words["nobody"]
            },
        )

    async def async_step_role_give(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the account and the role."""
        errors = {}
        if user_input is not None:
            self._user_id = user_input["user_id"]
            self._role = AccountRole(user_input["role"])
            self._until = cv.date(day) if (day := user_input.get("until")) else None
            if self._until and self._until < self._application().register.today:
                errors["until"] = "role_is_over"
            elif self._role in OF_A_PERSON:
                return await self.async_step_role_unit()
            else:
                return await self._async_give(None)
        schema = vol.Schema(
            {
                vol.Required("user_id"): _select(await self._async_accounts()),
                vol.Required("role"): selector.SelectSelector(
                    selector.SelectSelectorConfig(
                        options=[role.value for role in GIVEN],
                        translation_key="account_role",
                        mode=selector.SelectSelectorMode.DROPDOWN,
                    )
                ),
                vol.Optional("until"): selector.DateSelector(),
            }
        )
        return self.async_show_form(
            step_id="role_give",
            data_schema=self.add_suggested_values_to_schema(schema, user_input),
            errors=errors,
        )

    async def async_step_role_unit(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask in which of their units a landlord or resident is to be found."""
        if (form := self._choose("role_unit", user_input)) is None:
            return await self.async_step_role_person()
        return form

    async def async_step_role_person(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask who of the unit it is: their role holds in all of their units."""
        if user_input is not None:
            return await self._async_give(user_input["person_id"])
        assert self._unit_id
        found = await self._async_ask(GetUnit(self._unit_id))
        people = {
            row["person_id"]: row["name"]
            for row in found["people"]
            if row["role"] == OWN_LEASES[self._role]
        }
        if not people:
            return self._ask_for_unit("role_unit", "nobody_in_unit")
        return self.async_show_form(
            step_id="role_person",
            data_schema=vol.Schema({vol.Required("person_id"): _select(people)}),
            description_placeholders={
                "unit": self._application().register.units[self._unit_id].title
            },
        )

    async def async_step_role_take(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which roles are taken away."""
        if user_input is not None:
            for grant_id in user_input["grants"]:
                await self._async_ask(RevokeRole(grant_id))
            return await self._async_done()
        held = await self._async_held()
        return self.async_show_form(
            step_id="role_take",
            data_schema=vol.Schema(
                {vol.Required("grants"): _select(held, multiple=True)}
            ),
        )

    async def _async_give(self, person_id: str | None) -> ConfigFlowResult:
        command = GrantRole(self._user_id, self._role, person_id, self._until)
        await self._async_ask(command)
        return await self._async_done()

    async def _async_done(self) -> ConfigFlowResult:
        """Let it hold from now on."""
        await self._async_wait(self._application().async_read_grants())
        return self._done()

    async def _async_held(self) -> dict[str, str]:
        """Return who has which role and where, by its id: accounts and units, no people."""
        accounts = await self._async_accounts()
        application = self._application()
        language = await async_viewer_language(self.hass)
        labels = await async_labels(self.hass, "account_role", language)
        words = await async_labels(self.hass, "role_line", language)
        held: dict[str, str] = {}
        for row in await self._async_ask(GetRoles()):
            role = AccountRole(row["role"])
            parts = [
                # An account that is deleted has nothing but its id.
                accounts.get(row["user_id"], row["user_id"]),
                labels.get(role, role),
            ]
            titles = application.held_in(role, row["person_id"])
            if titles is not None:
                parts.append(", ".join(titles) or "–")
            if row["until"]:
                parts.append(words["until"].format(day=row["until"]))
            held[row["grant_id"]] = " · ".join(parts)
        return held

    async def _async_accounts(self) -> dict[str, str]:
        """Return what the accounts of Home Assistant are called, by their ids."""
        users = [
            user
            for user in await self.hass.auth.async_get_users()
            if user.is_active and not user.system_generated
        ]
        names = [user.name for user in users]
        return {
            user.id: user.name
            if user.name and names.count(user.name) == 1
            else f"{user.name or '–'} ({user.id})"
            for user in sorted(users, key=lambda row: (row.name or "").casefold())
        }

    async def _async_ask(self, command: Command[Any]) -> Any:
        """Return the answer of a command, JSON or an id. Raises AbortFlow."""
        return await self._async_wait(self._async_fill(command))

    @staticmethod
    async def _async_wait(work: Awaitable[Any]) -> Any:
        try:
            return await work
        except HomeAssistantError as err:
            raise AbortFlow(err.translation_key or "failed") from err
