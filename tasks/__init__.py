"""What may be asked for, and what it means: kinds, mathematics, rules. No network, no database, no clock."""
