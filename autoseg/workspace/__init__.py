"""Where everything lies on disk; the one place that spells names of files."""
