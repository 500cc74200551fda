"""Between strangers and the page: who asks, what an answer may carry, whose turn it is, and what lies on disk."""
