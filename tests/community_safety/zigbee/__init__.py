"""Tests of Zigbee in Home Assistant, on simulated radios behind real sockets."""
