"""The exit codes of the command line."""

OK = 0
"""Done."""
CHANGED = 1
"""`diff` found that an import would change something."""
USAGE = 2
"""Wrong use: a command, folder or rule that there is not."""
MALFORMED = 3
"""A card is malformed, or breaks a rule that is no matter of taste."""
STATE = 5
"""A file that the tools write cannot be read or written."""
INTERRUPTED = 130
"""Ctrl-C; what was begun left no trace."""
PIPE_CLOSED = 141
"""Whoever read the output closed it; what a shell says of such a program."""
