"""The one list of what a model's answers are counted for besides right and wrong."""

from collections.abc import Mapping

RATES: Mapping[str, str] = {
    "empty_rate": "empty",
    "failed_rate": "failed",
    "capped_rate": "capped",
    "refused_rate": "declined",
}
"""Share of an evaluated cell's answers that are empty, hold no answer, were cut at the token limit, decline; to the
word for it. The gate bounds each by the parameter `max_<name>`."""

RECORDED = (*RATES, "truncated_rate")
"""Those that an evaluation records: also the share of prompts that were cut."""
