"""The real Zigbee2MQTT with its Ember driver, on the simulated co-processor and a real broker."""
