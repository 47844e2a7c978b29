"""Vzenith (臻识) plate cameras with a barrier, over MQTT."""

from .gateway import VzenithGateway

__all__ = ["VzenithGateway"]
