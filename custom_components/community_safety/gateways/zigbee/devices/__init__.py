"""Zigbee devices: what they are, what they report, what they are told."""
