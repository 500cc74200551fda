"""Sets of any size: folders of clips to tables of codes and back, by Ray on one machine or many (the extra ``scale``)."""
