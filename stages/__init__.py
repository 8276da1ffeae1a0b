"""Pipeline, analysis and tools of local-llm-observatory."""

import gc

# A stage is a short process that imports much and keeps what it makes: with Python's default, every 700 new objects,
# the collector looks at all of it again and again.
gc.set_threshold(50_000, 20, 50)
