"""Reports: which there are, what columns they have, and by which windows they are asked for."""
