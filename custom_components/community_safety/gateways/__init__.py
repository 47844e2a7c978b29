"""Gateways: how devices are reached."""
