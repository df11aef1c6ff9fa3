"""Options of commands, and command lines as people write them."""
