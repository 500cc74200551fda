"""Editing of a clip's codes, without a page.

``work`` holds a clip in a codec: its codes, their history, and the sound of both. ``track`` is the sound of the first
levels before any edit; ``edited`` is the sound after the edits. ``timing`` is the beat and the loop of a clip;
``stems`` are what each level adds to its sound. ``values`` and ``requests`` define the requests that a page or a
script may send; ``tools`` make the edits; ``calls`` carry out the requests; ``answers`` pack the results.
"""
