"""Training: what to train (config), on what (dataset), how (trainer), and how the codebooks fare (health)."""
