"""Slack: where people talk. `chat` speaks, `blocks` draws, `text` escapes, `calls` is the wire."""
