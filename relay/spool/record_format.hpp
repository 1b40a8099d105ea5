// Record and attempt to bytes and back (record.proto). Values only; no store.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "relay/base/result.hpp"
#include "relay/spool/spool.hpp"

namespace signet::spool {

[[nodiscard]] std::string encode_record(const Record& record);
/// `id` comes from the key. Faults: spool_failed (damaged), spool_newer.
[[nodiscard]] Result<Record> decode_record(QueueId id, std::string_view bytes);

[[nodiscard]] std::string encode_attempt(const std::vector<std::uint32_t>& indexes);

}  // namespace signet::spool
