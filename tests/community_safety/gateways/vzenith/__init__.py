"""Vzenith plate cameras."""
