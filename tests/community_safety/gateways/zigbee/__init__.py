"""Zigbee: the real libraries over a real socket to a simulated co-processor."""
