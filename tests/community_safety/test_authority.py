"""Authority providers: another integration has a say in who may do what."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    MockUser,
    mock_integration,
    mock_platform,
)

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core import authority
from custom_components.community_safety.core.alarm import Alarm
from custom_components.community_safety.core.authority import Action, Request
from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.auth.const import GROUP_ID_USER
from homeassistant.core import Context, CoreState, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
from homeassistant.helpers import area_registry as ar, entity_registry as er
from homeassistant.setup import async_setup_component
from tests.common import BASE, Peer, wait_until

REGISTER = "some_register"
#: What a person must say who does it.
NEEDED = {"reset": {"outcome": "real"}, "restore": {"checked": "on_site"}}


class Register:
    """A provider as another integration would write it: it imports nothing of ours."""

    def __init__(self) -> None:
        """Initialize; without an objection."""
        self.asked: list[Request] = []
        self.object_to: Callable[[Request], Exception | None] = lambda _request: None
        self.answers = asyncio.Event()
        self.answers.set()
        self.pages: dict[str, str] = {}
        self.rights: Any = {}

    def principal(self, context: Context) -> str | None:
        """Return who has answered on a signed page."""
        return self.pages.get(context.id)

    async def async_authorize(self, request: Request) -> None:
        """Refuse what the test says."""
        self.asked.append(request)
        await self.answers.wait()
        if error := self.object_to(request):
            raise error

    async def async_rights(self, user_id: str) -> Mapping[str, Collection[str] | None]:
        """Return what the test says."""
        return cast("Mapping[str, Collection[str] | None]", self.rights[user_id])

    async def async_names(self, ids: Collection[str], reader: str) -> Mapping[str, str]:
        """Return a name for each."""
        return {item: f"The person {item}" for item in ids}


async def offer(hass: HomeAssistant, provider: Any) -> None:
    """Load an integration that offers a provider."""

    async def async_get_authority_provider(hass: HomeAssistant) -> Any:
        if isinstance(provider, Exception):
            raise provider
        return provider

    mock_integration(hass, MockModule(REGISTER))
    platform = type(
        "Platform",
        (),
        {"async_get_authority_provider": staticmethod(async_get_authority_provider)},
    )
    mock_platform(hass, f"{REGISTER}.{DOMAIN}", cast("Any", platform))
    assert await async_setup_component(hass, REGISTER, {})
    await hass.async_block_till_done()


@pytest.fixture
async def register(hass: HomeAssistant, flat: Alarm) -> Register:
    """Return the provider of an integration that was loaded after ours."""
    register = Register()
    await offer(hass, register)
    return register


@pytest.fixture
async def flat(hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer) -> Alarm:
    """Return an alarm that has cleared, in a flat with a breaker."""
    await peer.config(
        "smoke-1", "smoke_sensor", ["smoke"], area="1-1-201", commands=["silence"]
    )
    await peer.config(
        "breaker-1", "breaker_monitor", ["supply", "current"], area="1-1-201"
    )
    await peer.state("breaker-1", supply=True, current=5)
    await peer.state("smoke-1", smoke=True)
    await peer.state("smoke-1", smoke=False)
    book = hass.data[DATA_HOUSE].book
    await wait_until(hass, lambda: not any(a.present for a in book.open.values()))
    peer.obedient_breaker("breaker-1")
    peer.answer(
        f"{BASE}/smoke-1",
        lambda message: peer.publish(
            f"{BASE}/smoke-1/result", {"version": 1, "id": message["id"], "ok": True}
        ),
    )
    (alarm,) = book.open.values()
    return alarm


@pytest.fixture
async def person(hass: HomeAssistant) -> MockUser:
    """Return a user who has all the rights of Home Assistant that one needs here."""
    group = await hass.auth.async_get_group(GROUP_ID_USER)
    assert group
    return MockUser(name="Duty 1", groups=[group]).add_to_hass(hass)


async def act(
    hass: HomeAssistant, name: str, context: Context, **data: Any
) -> dict[str, Any] | None:
    """Call an action; its name may have its domain."""
    domain, dot, action = name.partition(".")
    data |= NEEDED.get(name, {})
    return cast(
        "dict[str, Any] | None",
        await hass.services.async_call(
            domain if dot else DOMAIN,
            action if dot else name,
            data,
            blocking=True,
            context=context,
            return_response=not dot,
        ),
    )


def entity_id(hass: HomeAssistant, domain: str, key: str) -> str:
    """Return an entity's id; `key` holds the device."""
    found = er.async_get(hass).async_get_entity_id(domain, DOMAIN, f"mqtt/{BASE}/{key}")
    assert found
    return found


#: Every door to the same deeds: the action, what it acts on, and what is asked.
DOORS = [
    ("acknowledge", None, Action.ACKNOWLEDGE),
    ("reset", None, Action.RESET),
    ("cut_off", None, Action.CUT_OFF),
    ("restore", None, Action.RESTORE),
    ("silence", None, Action.SILENCE),
    ("switch.turn_off", ("switch", "breaker-1/supply"), Action.CUT_OFF),
    ("switch.turn_on", ("switch", "breaker-1/supply"), Action.RESTORE),
    ("switch.toggle", ("switch", "breaker-1/supply"), Action.CUT_OFF),
    ("button.press", ("button", "smoke-1/silence"), Action.SILENCE),
]


def target(hass: HomeAssistant, entity: tuple[str, str] | None) -> dict[str, str]:
    """Return what a call is for: an entity, or the flat."""
    return {"entity_id": entity_id(hass, *entity)} if entity else {"area_id": "1_1_201"}


@pytest.mark.parametrize(("name", "entity", "action"), DOORS)
async def test_refused(
    hass: HomeAssistant,
    register: Register,
    flat: Alarm,
    peer: Peer,
    person: MockUser,
    name: str,
    entity: tuple[str, str] | None,
    action: Action,
) -> None:
    """Whom the provider refuses can do nothing, through whichever door."""
    register.object_to = lambda _request: Unauthorized()
    before = flat.as_dict()
    timeline = list(flat.timeline)
    peer.heard.clear()
    with pytest.raises(Unauthorized):
        await act(hass, name, Context(user_id=person.id), **target(hass, entity))
    await peer.settled()
    assert peer.orders == []
    assert {**flat.as_dict(), "timeline": timeline} == {**before, "timeline": timeline}
    assert flat.timeline == timeline
    assert not hass.data[DATA_HOUSE].cut_off.latches
    (request,) = register.asked
    assert (request.action, request.who) == (action, person.id)
    assert {subject.area_id for subject in request.subjects} == {"1_1_201"}
    assert all(subject.device_id for subject in request.subjects)


@pytest.mark.parametrize(
    ("name", "entity"),
    [(name, entity) for name, entity, _action in DOORS if name not in ("reset", "restore")],
)  # fmt: skip
async def test_automations_are_not_asked_for(
    hass: HomeAssistant,
    register: Register,
    name: str,
    entity: tuple[str, str] | None,
) -> None:
    """In a fire an automation waits for no register."""
    register.object_to = lambda _request: Unauthorized()
    await act(hass, name, Context(), **target(hass, entity))
    assert register.asked == []


async def test_permissions_still_hold(
    hass: HomeAssistant, register: Register, hass_read_only_user: MockUser
) -> None:
    """A provider gives no right that Home Assistant has not given."""
    with pytest.raises(Unauthorized):
        await act(
            hass, "cut_off", Context(user_id=hass_read_only_user.id), area_id="1_1_201"
        )
    assert register.asked == []


async def test_veto(
    hass: HomeAssistant,
    register: Register,
    flat: Alarm,
    person: MockUser,
    hass_admin_user: MockUser,
) -> None:
    """While somebody needs help nobody resets; afterwards, who did it is kept."""
    register.object_to = lambda _request: ServiceValidationError(
        translation_domain=REGISTER, translation_key="needs_help"
    )
    for user in (person, hass_admin_user):
        with pytest.raises(ServiceValidationError) as caught:
            await act(hass, "reset", Context(user_id=user.id), alarm_id=flat.id)
        assert caught.value.translation_key == "needs_help"
    assert flat.id in hass.data[DATA_HOUSE].book.open
    assert register.asked[0].subjects[0].alarm_id == flat.id

    register.object_to = lambda _request: None
    await act(hass, "reset", Context(user_id=person.id), alarm_id=flat.id)
    assert flat.timeline[-1]["who"] == person.id


async def test_somebody_whom_the_provider_knows(
    hass: HomeAssistant, register: Register, flat: Alarm, person: MockUser
) -> None:
    """A person without an account acknowledges, by an id that tells no name."""
    page = Context()
    register.pages[page.id] = "7f3a"
    answer = await act(hass, "acknowledge", page, alarm_id=flat.id)
    assert answer
    who = f"{REGISTER}:7f3a"
    assert answer["alarms"][0]["timeline"][-1]["who"] == who
    assert register.asked[0].who == who
    # A name comes only to who reads, and a user has one too.
    names = await hass.data[DATA_HOUSE].authority.async_names(
        [who, person.id, "gone", "no_provider:1"], person
    )
    assert names == {who: "The person 7f3a", person.id: "Duty 1"}


@pytest.mark.parametrize("trouble", ["hangs", "raises", "did not start"])
async def test_provider_cannot_answer(
    hass: HomeAssistant,
    flat: Alarm,
    person: MockUser,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    trouble: str,
) -> None:
    """A register that is away keeps no power on, and gives none back."""
    monkeypatch.setattr(authority, "ANSWER_SECONDS", 0.01)
    register = Register()
    broken = RuntimeError("broken on purpose")
    {
        "hangs": register.answers.clear,
        "raises": lambda: setattr(register, "object_to", lambda _request: broken),
        "did not start": lambda: None,
    }[trouble]()
    await offer(hass, {"did not start": broken}.get(trouble, register))
    by_person = Context(user_id=person.id)
    answer = await act(hass, "cut_off", by_person, area_id="1_1_201")
    assert answer
    assert [row["status"] for row in answer["supplies"]] == ["confirmed"]
    assert REGISTER in caplog.text
    for name in ("restore", "reset"):
        with pytest.raises(HomeAssistantError) as caught:
            await act(hass, name, by_person, area_id="1_1_201")
        assert caught.value.translation_key == "authority_unavailable"
    assert hass.data[DATA_HOUSE].cut_off.latches
    assert flat.id in hass.data[DATA_HOUSE].book.open


async def test_nobody_vouches_for_a_stranger(
    hass: HomeAssistant, register: Register, flat: Alarm
) -> None:
    """Whom a provider alone knows may do nothing while it cannot answer."""
    page = Context()
    register.pages[page.id] = "7f3a"
    register.object_to = lambda _request: RuntimeError("broken on purpose")
    with pytest.raises(HomeAssistantError):
        await act(hass, "acknowledge", page, alarm_id=flat.id)
    assert flat.acknowledged_at is None


async def test_rights(
    hass: HomeAssistant, register: Register, person: MockUser, flat: Alarm
) -> None:
    """A provider lists what a user may do, and where; without one everything is."""
    house = hass.data[DATA_HOUSE]
    register.rights = {
        person.id: {Action.ACKNOWLEDGE: None, Action.CUT_OFF: {"1_1_202", "1_1_201"}}
    }
    rights = await house.authority.async_rights(person)
    assert rights[Action.ACKNOWLEDGE] is None
    assert rights[Action.CUT_OFF] == ["1_1_201", "1_1_202"]
    assert rights[Action.RESET] == []
    # It does not know this one, and breaks: offered is what is done without its answer.
    register.rights = {}
    assert await house.authority.async_rights(person) == {
        action: [] if action.needs_answer else None for action in Action
    }
    assert not Action.CUT_OFF.needs_answer
    assert Action.READ.needs_answer
    assert await authority.Authority(hass).async_rights(person) == dict.fromkeys(Action)


async def test_who_has_a_say_is_not_there_yet(
    hass: HomeAssistant, flat: Alarm, person: MockUser
) -> None:
    """While Home Assistant starts nobody has objected yet: power is cut, and stays off."""
    by_person = Context(user_id=person.id)
    hass.set_state(CoreState.not_running)
    answer = await act(hass, "cut_off", by_person, area_id="1_1_201")
    assert answer
    assert [row["status"] for row in answer["supplies"]] == ["confirmed"]
    for name in ("restore", "reset"):
        with pytest.raises(HomeAssistantError) as caught:
            await act(hass, name, by_person, area_id="1_1_201")
        assert caught.value.translation_key == "authority_unavailable"
    house = hass.data[DATA_HOUSE]
    assert house.cut_off.latches
    assert await house.authority.async_rights(person) == {
        action: [] if action.needs_answer else None for action in Action
    }
    hass.set_state(CoreState.running)
    await act(hass, "restore", by_person, area_id="1_1_201")
    assert not house.cut_off.latches


async def test_a_provider_that_breaks_elsewhere(
    hass: HomeAssistant,
    register: Register,
    flat: Alarm,
    person: MockUser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A provider that cannot tell who acts, or a name, is one that knows nobody."""
    monkeypatch.setattr(register, "pages", None)
    monkeypatch.setattr(register, "async_names", None)
    await act(hass, "acknowledge", Context(), alarm_id=flat.id)
    assert flat.timeline[-1]["who"] is None
    house = hass.data[DATA_HOUSE]
    assert await house.authority.async_names([f"{REGISTER}:1"], person) == {}


async def test_area_of_the_socket(
    hass: HomeAssistant, register: Register, person: MockUser
) -> None:
    """A supply in an area of its own is asked for there."""
    switch = entity_id(hass, "switch", "breaker-1/supply")
    area = ar.async_get(hass).async_create("1-1-202")
    er.async_get(hass).async_update_entity(switch, area_id=area.id)
    await act(hass, "cut_off", Context(user_id=person.id), entity_id=switch)
    await act(hass, "switch.turn_off", Context(user_id=person.id), entity_id=switch)
    assert [request.subjects[0].area_id for request in register.asked] == [area.id] * 2
