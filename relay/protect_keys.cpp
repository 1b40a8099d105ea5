// The one file that differs in the program without protection (SIGNET_PROTECT_KEYS=OFF), which
// shows that the search for keys in a core finds them.
#include <openssl/crypto.h>

#include <cstdio>
#include <cstdlib>

#include "relay/base/secret_memory.hpp"
#include "relay/commands.hpp"

namespace signet::commands {

#if SIGNET_PROTECT_KEYS

namespace {

void* take(std::size_t size, const char* /*file*/, int /*line*/) {
  return SecretScope::is_open() ? allocate_secret(size) : std::malloc(size);
}

void give(void* memory, const char* /*file*/, int /*line*/) { release_secret(memory); }

void* resize(void* memory, std::size_t size, const char* file, int line) {
  if (size == 0) {
    give(memory, file, line);
    return nullptr;
  }
  if (memory == nullptr) return take(size, file, line);
  return is_secret(memory) ? resize_secret(memory, size) : std::realloc(memory, size);
}

}  // namespace

void protect_keys() {
  if (!protect_secrets()) {
    std::fputs("warning: no address space for secret memory: a core dump would hold the keys\n",
               stderr);
    return;
  }
  // OpenSSL's own secure heap is not used for numbers it derives from a key, nor for PEM text.
  if (CRYPTO_set_mem_functions(take, resize, give) != 1)
    std::fputs("warning: OpenSSL keeps keys in ordinary memory: a core dump would hold them\n",
               stderr);
}

#else

void protect_keys() {}

#endif

}  // namespace signet::commands
