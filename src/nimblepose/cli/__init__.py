"""The command line: parse, call, print; one small module per verb."""
