"""Tests of the simulated EZSP co-processor, by hosts of several kinds."""
