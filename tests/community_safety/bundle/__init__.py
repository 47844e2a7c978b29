"""Tests of what a release brings along."""
