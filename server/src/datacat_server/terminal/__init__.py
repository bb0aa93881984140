"""What commands print for people: tables, lines and reports that fit the terminal."""
