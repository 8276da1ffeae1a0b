"""The benchmarks, a module for each family: reader, prompts, finding of answers and scoring, in one place."""
