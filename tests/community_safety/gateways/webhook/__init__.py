"""Our protocol at a webhook."""
