"""Kinds of addresses: what is asked, checked, shown and written down of each.

A kind is a row here. Fields of forms and actions, columns of files, what is kept out of
events and what a form hides follow from it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
import re
from typing import Any, Final

import phonenumbers
import voluptuous as vol
from yarl import URL

from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv

from ..const import DOMAIN, Channel
from ..hosts import may_be_public
from .models import ContactAddress

#: Where the house has no country set.
DEFAULT_REGION: Final = "CN"
#: Of what has so many signs, four tell nobody the rest.
_LONG: Final = 24

#: Returns an address as it is kept, of what was entered and the country of the house.
#: Raises ValueError or vol.Invalid for none.
type Check = Callable[[str, str | None], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressKind:
    """One kind of address, which is a field wherever somebody is asked for theirs."""

    key: str
    #: Over which it is used; several, where a person chooses among them.
    channels: tuple[Channel, ...]
    #: As services.yaml writes it.
    selector: Mapping[str, Any]
    check: Check
    #: Key of what is said of a wrong one.
    error: str
    #: Its column in a file, in simplified and traditional Chinese, then what else is read as
    #: it, simplified. Without a heading it has no column of its own.
    headings: tuple[str, ...] = ()
    #: Where several kinds share a channel: how its addresses begin.
    prefix: str = ""
    #: Of responders alone, and not of those who live in a unit.
    for_responders: bool = False
    #: It says who somebody is, or how to reach them: not in events, traces or logs.
    is_personal: bool = True
    #: What a form shows in its place. What is shown and comes back, means the known one.
    hide: Callable[[str], str] = str

    def parse(self, value: str | None, region: str | None) -> str | None:
        """Return what was entered as it is kept; None if nothing was said, empty for none.

        Raises ServiceValidationError.
        """
        if not value or not (text := value.strip()):
            return value and ""
        try:
            return self.check(text, region)
        except vol.Invalid, ValueError:
            raise invalid(self.error) from None


def invalid(key: str) -> ServiceValidationError:
    """Return the error of what was entered wrongly, without it: the error may be logged."""
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key)


def mask(target: str) -> str:
    """Return as much of an address as tells its owner which one it is."""
    if len(target) < 8:
        return "*" * len(target)
    shown = 3 if target.startswith("+") else 1
    return f"{target[:shown]}{'*' * (len(target) - shown - 4)}{target[-4:]}"


def mask_name(name: str) -> str:
    """Return as much of a name as tells whom one is talking of already."""
    return f"{name[:1]}**"


def mask_url(target: str) -> str:
    """Return where a URL leads, and of a long one its end; not what lets anybody use it."""
    try:
        url = URL(target)
    except ValueError:
        return mask(target)
    if not url.host:
        return mask(target)
    rest = f"{url.raw_path_qs}#{url.raw_fragment}".rstrip("#")
    end = rest[-4:] if len(rest) >= _LONG else ""
    return f"{url.scheme}://{url.host_port_subcomponent}/*****{end}"


def parse_phone(text: str, region: str | None) -> str:
    """Return a phone number in E.164. Raises ValueError."""
    try:
        number = phonenumbers.parse(text, region or DEFAULT_REGION)
    except phonenumbers.NumberParseException as err:
        raise ValueError from err
    if number.extension or not phonenumbers.is_valid_number(number):
        # Without its extension it would be another one's.
        raise ValueError
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _person(text: str, _: str | None) -> str:
    return cv.entity_domain("person")(text)


def _phone_with_app(text: str, _: str | None) -> str:
    if re.fullmatch(r"[\w.-]+", text, re.ASCII) is None:
        raise ValueError
    return text


def _email(text: str, _: str | None) -> str:
    vol.Email()(text)
    return text


def _notify(text: str, _: str | None) -> str:
    if re.fullmatch(r"((notify|script)\.)?[a-z0-9_]+", text) is None:
        raise ValueError
    return text


def _public_url(text: str, _: str | None) -> str:
    """Return a URL. Raises ValueError for one of the house's own network."""
    cv.url(text)
    if not may_be_public(text):
        raise ValueError
    return text


KINDS: Final = (
    AddressKind(
        key="phone",
        channels=(Channel.SMS, Channel.CALL),
        selector={"text": {"type": "tel"}},
        check=parse_phone,
        error="invalid_phone",
        headings=(
            *("电话", "電話", "手机", "手机号", "手机号码", "电话号码", "联系电话", "联系方式"),
            *("联系手机", "联系号码", "移动电话", "行动电话", "phoneno", "phonenumber", "mobile"),
            *("mobileno", "mobilenumber", "mobilephone", "cell", "cellphone", "tel", "telno"),
            *("telephone", "contactnumber"),
        ),
        hide=mask,
    ),
    AddressKind(
        key="email",
        channels=(Channel.EMAIL,),
        selector={"text": {"type": "email"}},
        check=_email,
        error="invalid_email",
        headings=(
            *("邮箱", "電子郵件", "电子邮箱", "电子邮件", "邮件", "邮件地址", "emailaddress"),
            "mail",
        ),
    ),
    AddressKind(
        key="person",
        channels=(Channel.PUSH,),
        prefix="person.",
        selector={"entity": {"domain": "person"}},
        check=_person,
        error="invalid_person",
    ),
    AddressKind(
        key="push",
        channels=(Channel.PUSH,),
        selector={"device": {"integration": "mobile_app"}},
        check=_phone_with_app,
        error="invalid_push",
        headings=("应用", "應用程式", "应用程式"),
    ),
    AddressKind(
        key="notify",
        channels=(Channel.NOTIFY,),
        selector={"entity": {"domain": ["notify", "script"]}},
        check=_notify,
        error="invalid_notify",
        headings=("通知实体", "通知實體"),
        for_responders=True,
    ),
    AddressKind(
        key="webhook",
        channels=(Channel.WEBHOOK,),
        selector={"text": {"type": "url"}},
        check=_public_url,
        error="invalid_webhook",
        headings=("网络钩子", "網路鉤子", "网路钩子"),
        for_responders=True,
        hide=mask_url,
    ),
)  # fmt: skip
PHONE: Final = KINDS[0]
#: Over which a number is used.
PHONE_CHANNELS: Final = PHONE.channels


def by_kind(addresses: Iterable[ContactAddress]) -> Iterator[tuple[AddressKind, str]]:
    """Yield the kinds of somebody's addresses with what they are, in the kinds' order.

    Of a channel that is not known any more there is no kind.
    """
    rows = list(addresses)
    for kind in KINDS:
        for channel in kind.channels:
            for row in rows:
                if row.channel == channel and kind_of(channel, row.target) is kind:
                    yield kind, row.target


def kind_of(channel: Channel, target: str) -> AddressKind:
    """Return the kind of an address."""
    return next(
        kind
        for kind in KINDS
        if channel in kind.channels and target.startswith(kind.prefix)
    )
