"""The history: every run that was ever made, kept where teams can ask it."""
