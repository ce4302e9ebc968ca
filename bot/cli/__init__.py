"""The guanxi command, one file a family of subcommands."""
