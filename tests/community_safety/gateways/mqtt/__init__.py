"""Tests of gateways on MQTT."""
