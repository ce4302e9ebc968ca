"""Chat: words in, sentences out."""
