"""UHPPOTE (Weigeng, 微耕) door controllers: boards on the local network, without any wire security."""

from .gateway import UhppoteGateway

__all__ = ["UhppoteGateway"]
