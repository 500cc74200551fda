"""The server's side of the app: visitors and their limits, the checks on each request, turns to compute, and files on
disk."""
