"""Adopted devices: entities of other integrations."""
