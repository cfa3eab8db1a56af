"""Answers from sources: a prompt with numbered sources, a chat endpoint, and the check of what it answers."""
