"""What the agent remembers: the ledger of runs, and memory by meaning of documents and results, which can be made anew."""
