#include "relay/base/queue_id.hpp"

#include <algorithm>

namespace signet {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kLength = 11;  // 55 bits: enough for microseconds until the year 3111.

}  // namespace

std::string QueueId::to_string() const {
  std::string text(kLength, '0');
  std::uint64_t rest = value;
  for (std::size_t i = kLength; i-- > 0; rest >>= 5U) text[i] = kAlphabet[rest & 31U];
  return text;
}

Result<QueueId> QueueId::parse(std::string_view text) {
  if (text.size() != kLength) return fail(Fault::bad_parameter, "a queue id has 11 characters");
  QueueId id;
  for (char c : text) {
    const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    const std::size_t digit = kAlphabet.find(upper);
    if (digit == std::string_view::npos) return fail(Fault::bad_parameter, "not a queue id");
    id.value = id.value << 5U | digit;
  }
  return id;
}

QueueId QueueIdSource::next(WallTime now) {
  const auto micros = static_cast<std::uint64_t>(std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count()));
  std::uint64_t last = last_.load(std::memory_order_relaxed);
  std::uint64_t id = 0;
  do {
    id = std::max(micros, last + 1);
  } while (!last_.compare_exchange_weak(last, id, std::memory_order_relaxed));
  return QueueId{id};
}

}  // namespace signet
