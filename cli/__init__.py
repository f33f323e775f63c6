"""The `isthmus` command: thin; commands that need two folders live here."""
