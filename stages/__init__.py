"""Pipeline, analysis and tools of local-llm-observatory."""
