"""What the agent remembers beside the store: the ledger of runs."""
