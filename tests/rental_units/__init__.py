"""Tests of the rental units."""
