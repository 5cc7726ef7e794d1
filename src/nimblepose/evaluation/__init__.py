"""How good and how fast: COCO average precision, worst pictures, OKS sigmas, timing stage by stage."""
