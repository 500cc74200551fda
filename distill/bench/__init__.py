"""The benchmark: Distill's default, a plain network and the continuous baseline, on the same clips in one run."""
