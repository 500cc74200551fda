"""Training of the codec: settings (config), clips (dataset), the training loop (trainer) and codebook use (health).

``config`` and ``health`` hold only plain data and arithmetic. They import no model, so every module may import them.
"""
