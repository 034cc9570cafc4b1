#ifndef SODIUM_H
#define SODIUM_H
#include <stddef.h>
#define sodium_base64_VARIANT_URLSAFE_NO_PADDING 7
int sodium_init(void);
int sodium_base642bin(unsigned char *bin, size_t bin_maxlen, const char *b64, size_t b64_len, const char *ignore,
                      size_t *bin_len, const char **b64_end, int variant);
int sodium_hex2bin(unsigned char *bin, size_t bin_maxlen, const char *hex, size_t hex_len, const char *ignore,
                   size_t *bin_len, const char **hex_end);
void sodium_memzero(void *pnt, size_t len);
int crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *m, unsigned long long mlen,
                                const unsigned char *pk);
#endif
