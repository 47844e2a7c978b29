"""Entities that Home Assistant has already, from whatever integration, as devices of ours."""

from .gateway import AdoptedGateway

__all__ = ["AdoptedGateway"]
