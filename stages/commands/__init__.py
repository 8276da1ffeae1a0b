"""What the console command does, one module for each subcommand; `stages.cli` parses and prints."""
