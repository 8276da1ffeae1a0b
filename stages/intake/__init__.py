"""Result files of other evaluation tools, read as they are: pure readers that know no place of this repository."""
