"""The outside world, one promise a file: settings, database, queues, files, keys, audit, the servers themselves."""
