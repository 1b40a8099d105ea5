/* Preloaded into a program whose resolver is libresolv: it asks the name server in $NAMESERVER
 * (IPv4:port) instead of those of /etc/resolv.conf. For verifiers that offer no option for it. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>

int __res_ninit(res_state state);

int __res_ninit(res_state state) {
  int (*real)(res_state) = (int (*)(res_state))dlsym(RTLD_NEXT, "__res_ninit");
  const int result = real(state);
  const char *server = getenv("NAMESERVER");
  const char *colon = server != NULL ? strchr(server, ':') : NULL;
  char address[INET_ADDRSTRLEN] = "";
  if (result != 0 || colon == NULL || (size_t)(colon - server) >= sizeof address) return result;
  memcpy(address, server, (size_t)(colon - server));
  state->nscount = 1;
  state->nsaddr_list[0].sin_family = AF_INET;
  state->nsaddr_list[0].sin_port = htons((unsigned short)atoi(colon + 1));
  inet_pton(AF_INET, address, &state->nsaddr_list[0].sin_addr);
  return result;
}
