"""Between strangers and the page: who asks, what an answer may carry, and whose turn it is."""
