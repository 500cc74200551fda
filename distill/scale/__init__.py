"""More than one machine: trainings elsewhere. What this room needs beside Distill is imported where it is used."""
