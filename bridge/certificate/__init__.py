"""What spiking costs a converted network: the error by source, and labels that are safe."""
