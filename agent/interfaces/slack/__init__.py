"""`terracite slack`: a bot that answers mentions and direct messages, each in its thread."""
