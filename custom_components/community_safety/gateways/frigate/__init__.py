"""Frigate: cameras and what they see, over MQTT; their recordings and what was missed, over HTTP.

The gateway is imported by its own name: a flow needs its server, and Home Assistant's MQTT not.
"""
