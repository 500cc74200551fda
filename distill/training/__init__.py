"""Training: what to train (config), on what (dataset), how (trainer), and how the codebooks fare (health).

``config`` and ``health`` are plain data and arithmetic; anyone may import them, so they import no model.
"""
