"""The blueprints, as a property manager uses them."""
