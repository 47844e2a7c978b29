"""Commands of clusters that hosts send to devices, by the clusters' names and numbers."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from . import tuya, zcl

if TYPE_CHECKING:
    from .zcl_server import Request

#: Returns a status for the default response, or None where it has answered itself.
type ClusterCommand = Callable[[Request], int | None]

COMMANDS: dict[tuple[str, int], ClusterCommand] = {}
IAS_ZONE = 0x0500
ENROLLED = 1


def _on(*keys: tuple[str, int]) -> Callable[[ClusterCommand], ClusterCommand]:
    def register(handler: ClusterCommand) -> ClusterCommand:
        for key in keys:
            COMMANDS[key] = handler
        return handler

    return register


@_on(("on_off", 0), ("on_off", 1))
def _switch(request: Request) -> int | None:
    return _set_switch(request, bool(request.header.command))


@_on(("on_off", 2))
def _toggle(request: Request) -> int | None:
    now = request.node.attributes[request.endpoint, request.cluster, 0]
    return _set_switch(request, not now)


def _set_switch(request: Request, value: bool) -> int | None:
    endpoint = request.node.model.endpoints[request.endpoint]
    if not endpoint.switch:
        request.node.body.assign(request.endpoint, "on_off.on_off", value)
        return zcl.SUCCESS
    request.node.body.do(endpoint.switch, value, request.default_response)
    return None


@_on(("identify", 0x00), ("identify", 0x40), ("basic", 0x00))
def _accept(_request: Request) -> int | None:
    return zcl.SUCCESS


@_on(("identify", 0x01))
def _identify_query(request: Request) -> int | None:
    key = (request.endpoint, request.cluster, 0)
    seconds = int(request.node.attributes[key])
    if seconds:
        request.reply(0x00, seconds.to_bytes(2, "little"), specific=True)
    return None if seconds else zcl.SUCCESS


# Groups (ZCL 3.6)


@_on(("groups", 0x00), ("groups", 0x05))
def _add_group(request: Request) -> int | None:
    group = request.word()
    request.node.groups.setdefault(group, set()).add(request.endpoint)
    if request.header.command:
        return zcl.SUCCESS
    request.reply(0x00, b"\0" + group.to_bytes(2, "little"), specific=True)
    return None


@_on(("groups", 0x01))
def _view_group(request: Request) -> int | None:
    group = request.word()
    known = request.endpoint in request.node.groups.get(group, ())
    status = zcl.SUCCESS if known else zcl.NOT_FOUND
    request.reply(
        0x01, bytes((status,)) + group.to_bytes(2, "little") + b"\0", specific=True
    )
    return None


@_on(("groups", 0x02))
def _get_groups(request: Request) -> int | None:
    wanted = {request.word(1 + 2 * i) for i in range(request.byte())}
    own = [
        group
        for group, members in request.node.groups.items()
        if request.endpoint in members and (not wanted or group in wanted)
    ]
    body = b"".join(group.to_bytes(2, "little") for group in own)
    request.reply(0x02, bytes((0xFF, len(own))) + body, specific=True)
    return None


@_on(("groups", 0x03))
def _remove_group(request: Request) -> int | None:
    group = request.word()
    members = request.node.groups.get(group, set())
    status = zcl.SUCCESS if request.endpoint in members else zcl.NOT_FOUND
    members.discard(request.endpoint)
    request.reply(0x03, bytes((status,)) + group.to_bytes(2, "little"), specific=True)
    return None


@_on(("groups", 0x04))
def _remove_groups(request: Request) -> int | None:
    for members in request.node.groups.values():
        members.discard(request.endpoint)
    return zcl.SUCCESS


# IAS (ZCL 8)


@_on(("ias_zone", 0x00))
def _enrolled(request: Request) -> int | None:
    # The response to an enrolment; hosts may send it unasked.
    status, zone = request.byte(), request.byte(1)
    if status == 0:
        request.node.attributes[request.endpoint, IAS_ZONE, 0x0011] = zone
        request.node.attributes[request.endpoint, IAS_ZONE, 0x0000] = ENROLLED
        # What has happened meanwhile is told now.
        request.node.air.soon(request.node.body.enrolled)
    return zcl.SUCCESS


@_on(("ias_zone", 0x01))
def _normal_mode(_request: Request) -> int | None:
    return zcl.SUCCESS


@_on(("ias_zone", 0x02))
def _test_mode(request: Request) -> int | None:
    request.node.body.do("self_test", True, request.default_response)
    return None


@_on(("ias_wd", 0x00))
def _warning(request: Request) -> int | None:
    # Mode 0 in the upper four bits stops the siren.
    sounding = request.byte() >> 4 != 0
    if sounding:
        request.node.body.sound(True)
        return zcl.SUCCESS
    request.node.body.sound(False)
    request.node.body.do("silence", True, request.default_response)
    return None


@_on(("ias_wd", 0x01))
def _squawk(request: Request) -> int | None:
    request.node.note("did", request.endpoint, text="squawked")
    return zcl.SUCCESS


# What hosts answer to devices: time, images


@_on(("from 0019", 0x00), ("from 0019", 0x02), ("from 0019", 0x05), ("from 0019", 0x07))
def _image(_request: Request) -> int | None:
    return zcl.SUCCESS


@_on(
    ("poll_control", 0x00),
    ("poll_control", 0x01),
    ("poll_control", 0x02),
    ("poll_control", 0x03),
)
def _poll_control(_request: Request) -> int | None:
    return zcl.SUCCESS


for _number, _handler in tuya.COMMANDS.items():
    COMMANDS["tuya", _number] = _handler
