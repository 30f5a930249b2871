"""PagerDuty: its webhooks become alerts, and its REST API says who is on call."""
