"""Sightings: what doors, gates and cameras have seen, kept for thirty days."""
