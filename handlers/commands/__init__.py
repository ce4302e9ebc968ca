"""What a person may say, one file a noun."""
