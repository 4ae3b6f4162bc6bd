"""The history: every run that was ever made, kept where teams can ask it."""

NOWHERE = "none"  # the setting with which nothing is remembered
