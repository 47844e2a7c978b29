"""Tests of what people see: Home Assistant's frontend in a real browser, on the demo."""
