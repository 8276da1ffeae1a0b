"""How far results would move with other models, families, test items or token counts."""
