double measure(unsigned char *dst, int bytes, int sector, int encrypt, int slices);
const char *version(void);
