"""Autoscaling on a virtual clock: loads, policies, the events between them, and what came of it. No I/O."""
