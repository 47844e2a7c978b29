"""Tests of Frigate."""
