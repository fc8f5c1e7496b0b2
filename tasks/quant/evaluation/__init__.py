"""How good a score is: what it says about the returns after it, how steady it is, what it doubles."""
