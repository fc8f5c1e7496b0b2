"""The language of expression factors: a text is read into a tree, its types are checked, and it is worked out."""
