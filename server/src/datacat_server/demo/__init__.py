"""The demo: a server, seven games with seven fates, and what DataCat says of each."""
