"""Says what LiteLLM's heuristic router makes of prompts; runs inside LiteLLM's own environment.

    python litellm_reads.py v1|v2

Each line on stdin is a JSON list of prompts; each line out is a list of [score, leaves the cheapest
tier].
"""

import json
import os
import sys

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or it asks the network for prices

from litellm.router_strategy.complexity_router import complexity_router as its

HARDNESS = {"SIMPLE": 0, "MEDIUM": 1, "COMPLEX": 2, "REASONING": 3}


def main() -> None:
    """Answers line by line until stdin ends."""
    name = {"v1": "heuristic", "v2": "heuristic_v2"}[sys.argv[1]]
    tiers = dict.fromkeys(HARDNESS, "a-model")
    config = {"classifier_type": name, "tiers": tiers}
    router = its.ComplexityRouter("nr-benchmark", None, config, derive_savings_baseline=False)
    read = by_words if name == "heuristic" else by_odds
    for line in sys.stdin:
        print(json.dumps([read(router, prompt) for prompt in json.loads(line)]), flush=True)


def by_words(router: its.ComplexityRouter, prompt: str) -> tuple[float, bool]:
    """Returns the score of its first heuristic."""
    tier, score, _ = router.classify(prompt)
    return score, tier.value != "SIMPLE"


def by_odds(router: its.ComplexityRouter, prompt: str) -> tuple[float, bool]:
    """Returns how likely its cheapest tier fails by its trained tables."""
    said = router._classify_with_heuristic_v2(prompt)
    return 1 - said.heuristic_v2_forecast["probabilities"]["SIMPLE"], said.tier.value != "SIMPLE"


main()
