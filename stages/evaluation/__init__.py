"""The evaluation of models: its units, what identifies them, and the doctor for missing answers."""
