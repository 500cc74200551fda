"""The Space's entry: build the app, launch it."""

import os

# Threads that spin while they wait for work take the two cores from one another as soon as a training and an edit, or
# two visitors, compute at once. The OpenMP runtime reads this when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from distill.ui import main

if __name__ == "__main__":
    main()
