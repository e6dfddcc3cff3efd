"""Where people meet the agent. Nothing imports these rooms, and they do not know each other."""
