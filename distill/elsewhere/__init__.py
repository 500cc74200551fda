"""Trainings on rented machines. What this room needs beside Distill is imported where it is used."""
