"""Processes that compute: started, bounded, confined and stopped here."""
