"""Entry point of the Space: build the app and launch it."""

import os

# OpenMP threads spin while they wait for work. When a training and an edit, or two visitors, compute at the same time,
# such threads take the two cores from each other. The OpenMP runtime reads this variable when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from distill.ui import main

if __name__ == "__main__":
    main()
