"""What is true in the house: devices, hazards, alarms, cut-off. It names no gateway."""
