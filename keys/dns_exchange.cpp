#include "keys/dns_exchange.hpp"

#include <netinet/in.h>

#include <cstring>

namespace signet::keys {
namespace {

constexpr std::uint16_t kUdpSize = 1232;  // DNS flag day 2020.
constexpr std::uint16_t kFudge = 300;     // RFC 8945 10.

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Address address_of(const Endpoint& endpoint) {
  Address address;
  const auto bytes = endpoint.address.bytes();
  if (endpoint.address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.size = sizeof v6;
  }
  return address;
}

timeval to_timeval(std::chrono::milliseconds time) {
  return {.tv_sec = static_cast<time_t>(time.count() / 1000),
          .tv_usec = static_cast<suseconds_t>(time.count() % 1000 * 1000)};
}

using Send = ldns_status (*)(std::uint8_t**, ldns_buffer*, const sockaddr_storage*, socklen_t,
                             timeval, std::size_t*);

struct Answer {
  Ldns<ldns_pkt> packet;
  Ldns<std::uint8_t> wire;
  std::size_t size = 0;
};

Result<Answer> exchange(Send send, const Endpoint& server, const ldns_pkt& question,
                        std::chrono::milliseconds timeout) {
  const Ldns<ldns_buffer> wire(ldns_buffer_new(LDNS_MIN_BUFLEN));
  if (!wire || ldns_pkt2buffer_wire(wire.get(), &question) != LDNS_STATUS_OK)
    return fail(Fault::local_error, "a question can't be written");
  const auto address = address_of(server);
  std::uint8_t* octets = nullptr;
  std::size_t size = 0;
  const auto sent =
      send(&octets, wire.get(), &address.storage, address.size, to_timeval(timeout), &size);
  Ldns<std::uint8_t> kept(octets);
  if (sent != LDNS_STATUS_OK)
    return fail(Fault::dns_temporary, server.to_string() + ": " + ldns_get_errorstr_by_id(sent));
  ldns_pkt* packet = nullptr;
  if (ldns_wire2pkt(&packet, octets, size) != LDNS_STATUS_OK)
    return fail(Fault::dns_temporary, server.to_string() + ": the answer is no DNS packet");
  Answer answer{Ldns<ldns_pkt>(packet), std::move(kept), size};
  if (ldns_pkt_id(packet) != ldns_pkt_id(&question) || !ldns_pkt_qr(packet))
    return fail(Fault::dns_temporary, server.to_string() + ": the answer is to another question");
  return answer;
}

}  // namespace

Result<Ldns<ldns_pkt>> ask(const Endpoint& server, const std::string& name, ldns_rr_type type,
                           bool recursive, std::chrono::milliseconds timeout) {
  ldns_pkt* made = nullptr;
  const std::uint16_t flags = recursive ? LDNS_RD : 0;
  if (ldns_pkt_query_new_frm_str(&made, name.c_str(), type, LDNS_RR_CLASS_IN, flags) !=
      LDNS_STATUS_OK)
    return fail(Fault::dns_temporary, "no DNS name: " + name);
  const Ldns<ldns_pkt> question(made);
  ldns_pkt_set_random_id(question.get());
  ldns_pkt_set_edns_udp_size(question.get(), kUdpSize);
  auto answer = exchange(ldns_udp_send, server, *question, timeout);
  if (answer && ldns_pkt_tc(answer->packet.get()))
    answer = exchange(ldns_tcp_send, server, *question, timeout);
  if (!answer) return answer.failure();
  return std::move(answer->packet);
}

Result<Ldns<ldns_pkt>> send_update(const Endpoint& server, Ldns<ldns_pkt> update,
                                   const TsigKey& key, std::chrono::milliseconds timeout) {
  ldns_pkt_set_random_id(update.get());
  const std::string algorithm = key.algorithm + ".";
  if (ldns_pkt_tsig_sign(update.get(), key.name.c_str(), key.secret.c_str(), kFudge,
                         algorithm.c_str(), nullptr) != LDNS_STATUS_OK)
    return fail(Fault::publisher_failed, "the update can't be signed: is the TSIG key right?");
  auto answer = exchange(ldns_tcp_send, server, *update, timeout);
  if (!answer) return fail(Fault::publisher_failed, answer.error().detail);
  const auto* signature = ldns_pkt_tsig(update.get());
  const auto rcode = ldns_pkt_get_rcode(answer->packet.get());
  // An error about the key itself comes unsigned (RFC 8945 5.3.2): still an error.
  if (rcode == LDNS_RCODE_NOERROR &&
      !ldns_pkt_tsig_verify(answer->packet.get(), answer->wire.get(), answer->size,
                            key.name.c_str(), key.secret.c_str(), ldns_rr_rdf(signature, 3)))
    return fail(Fault::publisher_failed, server.to_string() + ": the answer's TSIG is wrong");
  return std::move(answer->packet);
}

}  // namespace signet::keys
