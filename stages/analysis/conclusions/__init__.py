"""Which conclusions of a study hold under which variations of its analysis."""
