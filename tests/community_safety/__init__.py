"""Tests of Community Safety."""
