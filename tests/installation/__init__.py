"""Installation, update, removal and restore as people do it, with the programs that they use."""
