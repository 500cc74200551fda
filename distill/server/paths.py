"""The paths that the gate lets through: all that the page and scripts need. Every other path of Gradio is closed."""

import re

HEALTH, LEAVE = "/health", "/leave"
DESCRIBE, ENCODE, DECODE, EDIT_GRID = "describe", "encode", "decode", "edit_grid"
"""Names of the calls of programs, which need no visit."""
MODULES = re.compile(r"/page/[0-9a-f]{16}/(?:[a-z0-9_]+/)+[a-z0-9_]+\.(?:js|wasm)")
"""Paths of the page's own modules, below a hash of the content of all modules, as they lie in the package."""
HASHED = re.compile(rf"{MODULES.pattern}|/assets/[^/]+-[\w-]{{8,10}}\.\w+", re.ASCII)
"""Paths whose content never changes: those of the modules, and of Gradio's files with a hash in their name."""
CODEC = re.compile(r"/codec/[0-9a-f]{16}/(?P<sound>[0-9a-f]{12,48})(?P<encoder>/encoder)?")
"""Paths of the codecs that make sound in the page, under the names of their sounds. They stand below a hash of all
modules, or of the modules and the base model's vocoder where the codec has none of its own. Those that encode as well
are below ``/encoder``."""
PUBLIC = re.compile(
    r"/|/(?:config/?|theme\.css|robots\.txt|manifest\.json|favicon\.ico|pwa_icon|health)|/(?:assets|static|svelte)/.*"
    rf"|{MODULES.pattern}|/gradio_api/(?:info/?|openapi\.json|app_id)",
    re.DOTALL,
)
"""Paths whose answers are the same for every visitor. Other sites may request them too."""
MADE_ONCE = re.compile(r"/|/config/?|/gradio_api/(?:info/?|openapi\.json)")
"""Paths whose answers take Gradio long to make; they are made once and kept."""
FILES = re.compile(
    r"/(?:assets|static|svelte|page)/.*|/(?:theme\.css|favicon\.ico|manifest\.json|robots\.txt|pwa_icon)", re.DOTALL
)
"""Paths of the page's own files: scripts, styles and pictures."""
OWN = re.compile(
    rf"/leave|{CODEC.pattern}"
    r"|/gradio_api/(?:startup-events|upload_progress|upload/?|file=.*|queue/(?:join|data|status)|heartbeat/[\w-]{1,64}"
    r"|cancel|reset/?|call/.*|component_server/?|mcp/?)",
    re.DOTALL,
)
"""Paths besides ``PUBLIC`` that the page and scripts need, for one visitor each. All other paths of Gradio stay closed,
for example screen recordings, proxies and links to a state."""
FILE = re.compile(r"/gradio_api/file=(?P<path>.*)", re.DOTALL)
UPLOAD = re.compile(r"/gradio_api/upload/?")
HEARTBEAT = re.compile(r"/gradio_api/heartbeat/(?P<page>[\w-]{1,64})", re.ASCII)
CALL = re.compile(r"/gradio_api/call/(?P<by_name>v2/)?(?P<name>[^/]+)/?")
MCP = re.compile(r"/gradio_api/mcp/?")
ANSWER = re.compile(r"/gradio_api/call/(?:v2/)?(?P<name>[^/]+)/(?P<event>[^/]+)")
