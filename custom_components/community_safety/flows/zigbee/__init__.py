"""The steps of a person who gives a coordinator to a Zigbee gateway."""
