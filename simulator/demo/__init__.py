"""The demo: broker, simulated compound and Home Assistant, set up by itself."""
