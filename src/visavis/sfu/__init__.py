"""The selective forwarding unit: who gets what from whom, decided in Python and carried out by the data plane."""
