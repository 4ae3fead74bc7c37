"""Results in words, in sentences and on paper."""
