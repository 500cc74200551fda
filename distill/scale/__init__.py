"""Work on sets of any size: more sound than the memory of a machine holds, or than one machine is quick enough for."""
