"""The mathematics: arrays and frames in, arrays and frames out. It has not heard of jobs."""
