"""The instrument without a page: a clip in a codec, and its edits by name."""
