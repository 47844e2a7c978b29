"""Tests of the watch for signs of life."""
