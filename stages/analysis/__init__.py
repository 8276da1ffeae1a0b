"""Pure mathematics: no files, no clock, no tracker, no plotting."""
