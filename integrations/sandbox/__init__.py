"""Stateful stand-ins for Slack, Jira and PagerDuty over real HTTP, for tests, benchmarks and the demo."""
