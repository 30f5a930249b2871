"""Jira, Cloud and Data Center: where the work is written down and the lead is named."""
