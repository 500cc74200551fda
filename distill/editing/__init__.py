"""The instrument without a page: a clip in a codec, and its edits by name.

``work`` is a clip at work: its codes, their history, and the sound of both. ``track`` is the sound of so many levels
before any edit; ``edited`` is the sound as edits left it. ``values`` and ``requests`` say what a page or a script may
ask; ``tools`` make the edits that it asks for; ``calls`` do what it asks and answer with what ``answers`` pack.
"""
