"""The factor tear sheet."""
