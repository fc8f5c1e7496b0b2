"""The back door: takes a job from a queue, gathers its inputs, runs it, applies its outcome."""
