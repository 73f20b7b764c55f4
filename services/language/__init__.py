"""Questions in plain English: dates, the words of a model and its data, readings and how sure they are."""
