"""The `factors` kind: prices and a recipe become scores and their evaluation."""
