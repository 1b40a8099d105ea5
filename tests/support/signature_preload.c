/* Preloaded into the relay: while there is a file $WRONG_SIGNATURES, one bit of each signature is
 * wrong, as on a machine whose memory is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

typedef int sign_function(void *, unsigned char *, size_t *, const unsigned char *, size_t);
typedef int rsa_function(int, const unsigned char *, unsigned, unsigned char *, unsigned *, void *);

/* The signature, when it is made and not only measured. */
static int spoil(int result, unsigned char *signature) {
  const char *file = getenv("WRONG_SIGNATURES");
  if (result == 1 && signature != NULL && file != NULL && access(file, F_OK) == 0)
    signature[7] ^= 1;
  return result;
}

int EVP_PKEY_sign(void *context, unsigned char *signature, size_t *size,
                  const unsigned char *digest, size_t digest_size) {
  sign_function *const real = (sign_function *)dlsym(RTLD_NEXT, "EVP_PKEY_sign");
  return spoil(real(context, signature, size, digest, digest_size), signature);
}

int EVP_DigestSign(void *context, unsigned char *signature, size_t *size, const unsigned char *text,
                   size_t text_size) {
  sign_function *const real = (sign_function *)dlsym(RTLD_NEXT, "EVP_DigestSign");
  return spoil(real(context, signature, size, text, text_size), signature);
}

int RSA_sign(int type, const unsigned char *digest, unsigned digest_size, unsigned char *signature,
             unsigned *size, void *key) {
  rsa_function *const real = (rsa_function *)dlsym(RTLD_NEXT, "RSA_sign");
  return spoil(real(type, digest, digest_size, signature, size, key), signature);
}
