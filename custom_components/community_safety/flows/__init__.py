"""Forms: how a person adds and changes gateways."""
