// One question to one name server, with ldns (only in keys/): UDP, then TCP when the answer is cut.
//
// Blocks: for the pool. RFC 1035, RFC 2136 (updates), RFC 8945 (TSIG).
#pragma once

// ldns makes bool a macro unless told that it is there.
#ifndef __bool_true_false_are_defined
#define __bool_true_false_are_defined 1
#endif
#include <ldns/ldns.h>

#include <chrono>
#include <memory>
#include <string>

#include "relay/base/ip_address.hpp"

namespace signet::keys {

struct FreeLdns {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
  void operator()(ldns_rdf* data) const { ldns_rdf_deep_free(data); }
  void operator()(ldns_rr* record) const { ldns_rr_free(record); }
  void operator()(ldns_rr_list* list) const { ldns_rr_list_deep_free(list); }
  void operator()(ldns_buffer* buffer) const { ldns_buffer_free(buffer); }
  void operator()(char* text) const { std::free(text); }
  void operator()(std::uint8_t* octets) const { std::free(octets); }
};
template <typename T>
using Ldns = std::unique_ptr<T, FreeLdns>;

struct TsigKey {
  std::string name;
  std::string algorithm;  ///< "hmac-sha256"
  std::string secret;     ///< Base64; wiped by its owner.
};

/// Faults: dns_temporary (no answer in time, or no packet).
[[nodiscard]] Result<Ldns<ldns_pkt>> ask(const Endpoint& server, const std::string& name,
                                         ldns_rr_type type, bool recursive,
                                         std::chrono::milliseconds timeout);
/// Over TCP, signed with `key`, whose answer must be signed too. Faults: publisher_failed.
[[nodiscard]] Result<Ldns<ldns_pkt>> send_update(const Endpoint& server, Ldns<ldns_pkt> update,
                                                 const TsigKey& key,
                                                 std::chrono::milliseconds timeout);

}  // namespace signet::keys
