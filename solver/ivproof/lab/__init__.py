"""Two laws over every chart there could be: kinds of chart with unknown times, their cells, and where the laws part."""
