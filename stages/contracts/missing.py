"""What can be done about missing scores."""

from typing import Literal, get_args

Policy = Literal["drop_models", "drop_benchmarks", "model"]
"""Leave out the models or the benchmarks that have a missing score, or model the missing scores."""

POLICIES: tuple[Policy, ...] = get_args(Policy)
