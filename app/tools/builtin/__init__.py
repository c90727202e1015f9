"""The tools that Cabochon brings, a file for each kind."""
