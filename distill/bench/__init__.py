"""The benchmark: train Distill, a plain network and a continuous baseline on the same clips in one run."""
