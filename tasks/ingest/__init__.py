"""Turns uploaded files into versioned datasets: read strictly, account for every row, adjust, grade."""
