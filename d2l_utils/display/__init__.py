"""What is shown: the style of figures, drawings of networks, sliders."""
