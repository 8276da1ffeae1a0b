"""The evaluation of models: its units, what identifies them, and the diagnosis of empty answers."""
