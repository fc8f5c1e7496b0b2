"""The export kind: finished jobs become one document, table or bundle to hand on."""
