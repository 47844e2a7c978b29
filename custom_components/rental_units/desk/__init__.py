"""Desks of a property: who comes and goes, until when that is told to whom, and the stars of units."""
