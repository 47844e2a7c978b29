"""Our protocol over HTTPS, for things that have no broker."""

from .gateway import WebhookGateway

__all__ = ["WebhookGateway"]
