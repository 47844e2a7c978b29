"""The benchmark: Community Safety beside Home Assistant's own MQTT entities."""
