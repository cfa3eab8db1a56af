"""Labels by people: what they are asked, and what follows from their answers."""
