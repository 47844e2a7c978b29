"""The actions, by what they are about. Each asks who may, and writes down who did."""
