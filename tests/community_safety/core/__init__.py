"""Tests of what is true in the house."""
