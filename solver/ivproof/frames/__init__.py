"""Charts that a program holds, as dictionaries or frames, coded as the command codes files; answers as tables."""
