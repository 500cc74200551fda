"""Sets of any size (the extra ``scale``): folders of clips to tables of codes and back, by one machine or many."""
