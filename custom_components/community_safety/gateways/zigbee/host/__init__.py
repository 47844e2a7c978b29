"""The coordinator and its network: radio, application, database, link, forming."""
