"""SQL over registered layers and tables, read-only."""
