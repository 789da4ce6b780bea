double measure(int slices);
