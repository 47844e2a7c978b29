"""Sightings."""
