"""The *Models* page: what fits this machine, what can be fetched, and what is here."""
