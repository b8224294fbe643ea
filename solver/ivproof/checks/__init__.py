"""What a policy's law is held to before it is used: its form, its words, and the rules of the text that it covers."""
