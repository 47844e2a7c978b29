"""Tests of the one-key search."""
