"""Hikvision (海康威视) access controllers and terminals, by ISAPI: HTTP with digest log-in."""

from .gateway import IsapiGateway

__all__ = ["IsapiGateway"]
