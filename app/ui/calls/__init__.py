"""Calls of tools on the screen: what an answer called, what waits for a decision, and what there is to call."""
