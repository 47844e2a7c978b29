"""Gateways: what arrives, and what goes out."""
