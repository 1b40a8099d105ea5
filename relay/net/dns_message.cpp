#include "relay/net/dns_message.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace signet::net {
namespace {

constexpr std::size_t kMaxName = 255;      // RFC 1035 2.3.4, octets on the wire.
constexpr std::size_t kMaxRecords = 4096;  // More do not fit 64 KiB with sense.
constexpr unsigned kClassInternet = 1;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Reads forward; after a read beyond the end everything fails.
class Reader {
 public:
  Reader(std::string_view packet, std::size_t at) : packet_(packet), at_(at) {}

  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] std::size_t at() const { return at_; }

  unsigned u8() {
    if (failed_ || at_ >= packet_.size()) return fail();
    return static_cast<unsigned char>(packet_[at_++]);
  }
  unsigned u16() {
    const unsigned high = u8();
    return high << 8U | u8();
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16U | u16();
  }
  std::string_view take(std::size_t count) {
    if (failed_ || count > packet_.size() - at_) {
      fail();
      return {};
    }
    at_ += count;
    return packet_.substr(at_ - count, count);
  }
  /// A name in wire form, expanded, lower case. Each pointer must lead to before the one that led
  /// there, so that none is followed twice.
  std::string name();

 private:
  unsigned fail() {
    failed_ = true;
    return 0;
  }

  std::string_view packet_;
  std::size_t at_;
  bool failed_ = false;
};

std::string Reader::name() {
  std::string wire;
  Reader part(packet_, at_);
  std::size_t earliest = at_;
  bool jumped = false;
  for (;;) {
    const unsigned length = part.u8();
    if ((length & 0xC0U) == 0xC0U) {
      const std::size_t target = (length & 0x3FU) << 8U | part.u8();
      if (!jumped) at_ = part.at();
      jumped = true;
      if (part.failed() || target >= earliest) break;
      earliest = target;
      part = Reader(packet_, target);
      continue;
    }
    if (length > 63) break;
    const auto label = part.take(length);
    if (part.failed() || wire.size() + 1 + length > kMaxName) break;
    wire += static_cast<char>(length);
    std::ranges::transform(label, std::back_inserter(wire), lower);
    if (length != 0) continue;
    if (!jumped) at_ = part.at();
    return wire;
  }
  fail();
  return {};
}

struct Record {
  std::string owner;
  unsigned type = 0;
  std::uint32_t ttl = 0;
  std::string rdata;
};

// The types whose names a sender may compress (RFC 3597 4), as far as we ask for them.
std::string expanded_rdata(std::string_view packet, Reader& reader, unsigned type,
                           std::size_t length) {
  const std::size_t end = reader.at() + length;
  std::string rdata;
  const auto copy = [&](std::size_t count) { rdata += reader.take(count); };
  switch (static_cast<RecordType>(type)) {
    case RecordType::ns:
    case RecordType::cname:
    case RecordType::ptr:
      rdata = reader.name();
      break;
    case RecordType::mx:
      copy(2);
      rdata += reader.name();
      break;
    case RecordType::soa:
      rdata = reader.name();
      rdata += reader.name();
      copy(20);
      break;
    default:
      copy(length);
  }
  if (reader.at() != end) reader = Reader(packet, packet.size() + 1);
  return rdata;
}

std::optional<Record> read_record(std::string_view packet, Reader& reader) {
  Record record;
  record.owner = reader.name();
  record.type = reader.u16();
  const unsigned record_class = reader.u16();
  record.ttl = reader.u32();
  const std::size_t length = reader.u16();
  if (reader.failed()) return {};
  record.rdata = expanded_rdata(packet, reader, record.type, length);
  if (reader.failed() || reader.at() > packet.size()) return {};
  if (record_class != kClassInternet) record.type = 0;
  if (record.ttl > 0x7FFFFFFFU) record.ttl = 0;  // RFC 2181 8.
  return record;
}

std::optional<std::vector<Record>> read_section(std::string_view packet, Reader& reader,
                                                std::size_t count) {
  std::vector<Record> records;
  if (count > kMaxRecords) return {};
  for (std::size_t i = 0; i < count; ++i) {
    auto record = read_record(packet, reader);
    if (!record) return {};
    records.push_back(std::move(*record));
  }
  return records;
}

/// RFC 2308 5: the lesser of the SOA's own time to live and its last field.
std::optional<std::uint32_t> denial_ttl(const std::vector<Record>& authority) {
  for (const auto& record : authority) {
    if (record.type != static_cast<unsigned>(RecordType::soa)) continue;
    const std::uint32_t minimum = Reader(record.rdata, record.rdata.size() - 4).u32();
    return std::min(record.ttl, minimum);
  }
  return {};
}

}  // namespace

std::optional<DnsResponse> decode_response(std::string_view packet, RecordType type) {
  Reader reader(packet, 2);
  const unsigned flags = reader.u16();
  const unsigned questions = reader.u16();
  const std::size_t answers = reader.u16();
  const std::size_t authorities = reader.u16();
  reader.u16();
  auto name = reader.name();
  reader.u32();
  if (reader.failed() || questions != 1) return {};
  const auto answer = read_section(packet, reader, answers);
  if (!answer) return {};
  const auto authority = read_section(packet, reader, authorities);
  if (!authority) return {};

  DnsResponse response{.rcode = flags & 0xFU, .answer = {}};
  std::optional<std::uint32_t> ttl;
  const auto lessen = [&ttl](std::uint32_t other) { ttl = std::min(ttl.value_or(other), other); };
  for (std::size_t step = 0; type != RecordType::cname && step <= answer->size(); ++step) {
    const auto alias = std::ranges::find_if(*answer, [&](const Record& record) {
      return record.type == static_cast<unsigned>(RecordType::cname) && record.owner == name;
    });
    if (alias == answer->end()) break;
    if (step == answer->size()) return {};  // The chain bites its tail.
    lessen(alias->ttl);
    name = alias->rdata;
  }
  for (const auto& record : *answer) {
    if (record.type != static_cast<unsigned>(type) || record.owner != name) continue;
    lessen(record.ttl);
    response.answer.records.push_back(record.rdata);
  }
  if (response.answer.records.empty()) {
    if (const auto denial = denial_ttl(*authority)) lessen(*denial);
  }
  response.answer.canonical_name = name_from_wire(name).value_or("");
  response.answer.exists = response.rcode != 3;
  response.answer.ttl = std::chrono::seconds(ttl.value_or(0));
  return response;
}

std::optional<std::string> name_from_wire(std::string_view wire) {
  if (wire.size() > kMaxName) return {};
  std::string text;
  Reader reader(wire, 0);
  for (;;) {
    const unsigned length = reader.u8();
    if (length > 63) return {};
    const auto label = reader.take(length);
    if (reader.failed()) return {};
    if (length == 0) break;
    if (!text.empty()) text += '.';
    for (const char c : label) {
      if (c <= ' ' || c >= 0x7F || c == '.' || c == '\\') return {};
      text += lower(c);
    }
  }
  if (reader.at() != wire.size()) return {};
  return text;
}

}  // namespace signet::net
