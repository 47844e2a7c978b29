"""Hazards that people report, with photos: what they see is worked until it is mended."""
