"""Tests of the hazard reports."""
