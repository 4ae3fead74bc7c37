"""What is said about results, in sentences and on paper."""
