"""The trust center: who may join, and what the host is told of it (UG100, "Trust Center")."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .ncp import Ncp
    from .node import Node

#: EmberDeviceUpdate, EmberJoinDecision and EmberKeyStatus.
SECURED_REJOIN, JOIN, LEFT, UNSECURED_REJOIN = 0, 1, 2, 3
USE_PRECONFIGURED_KEY, DENY, NO_ACTION = 0, 2, 3
KEY_VERIFIED = 0x34
#: Trust center policy bits.
ALLOW_JOINS, ALLOW_REJOINS, NEED_INSTALL_CODE = 0x01, 0x02, 0x10
CHILD_MOST = 32
SLEEPY_TYPE = 4


class JoinRefusedError(Exception):
    """The network does not let a device in; the text is the reason."""


class TrustCenter:
    """The part of the coordinator that lets nodes in."""

    def __init__(self, ncp: Ncp) -> None:
        """Initialize."""
        self._ncp = ncp

    def refusal(self, node: Node) -> str:
        """Return why a node may not join, or nothing."""
        policy = self._ncp.ram.policies.get(0, ALLOW_JOINS)
        if not policy & ALLOW_JOINS:
            return "the trust center lets nobody in"
        known = self._ncp.ram.transient.get(node.eui64)
        if policy & NEED_INSTALL_CODE and (known is None or known != node.install_key):
            return "the trust center wants an install code"
        return ""

    def tell(self, node: Node, update: int, decision: int) -> None:
        """Tell the host of a node that comes or goes."""
        if not self._ncp.is_up:
            return
        self._ncp.callback(
            "trustCenterJoinHandler",
            {
                "id": node.nwk,
                "eui64": node.eui64,
                "update": update,
                "decision": decision,
                "parent": node.parent,
            },
        )

    def remember_child(self, node: Node) -> None:
        """Keep an end device among the children."""
        children = self._ncp.flash.children
        index = next(
            (i for i, child in children.items() if child["eui64"] == node.eui64), None
        )
        if index is None:
            index = next((i for i in range(CHILD_MOST) if i not in children), None)
        if index is None:
            return
        children[index] = {
            "eui64": node.eui64,
            "type": SLEEPY_TYPE,
            "id": node.nwk,
            "timeout": 8,
        }
        self._ncp.changed()
        if self._ncp.is_up:
            self._ncp.callback(
                "childJoinHandler",
                {
                    "index": index,
                    "joining": True,
                    "id": node.nwk,
                    "eui64": node.eui64,
                    "type": SLEEPY_TYPE,
                },
            )

    def forget_child(self, node: Node) -> None:
        """Forget an end device that was a child."""
        children = self._ncp.flash.children
        for index, child in tuple(children.items()):
            if child["eui64"] == node.eui64:
                del children[index]
                self._ncp.changed()

    def verify_key(self, node: Node) -> None:
        """Tell that a node has shown that it has its key."""
        self._ncp.callback(
            "zigbeeKeyEstablishmentHandler",
            {"partner": node.eui64, "status": KEY_VERIFIED},
        )
