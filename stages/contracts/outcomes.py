"""The one list of what a model's answers are counted for besides right and wrong."""

from collections.abc import Mapping

RATES: Mapping[str, str] = {
    "empty_rate": "empty",
    "failed_rate": "failed",
    "capped_rate": "capped",
    "refused_rate": "declined",
    "truncated_rate": "prompts cut",
}
"""Share of an evaluated cell's answers that are empty, hold no answer, were cut at the token limit, decline, or answer
a prompt whose beginning was cut; to the word for it. The gate bounds each by the parameter `max_<name>`."""
