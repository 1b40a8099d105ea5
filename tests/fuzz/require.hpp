// What a fuzzer demands of the code it calls: a property that does not hold ends the run.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace signet::fuzz {

inline void require(bool holds) {
  if (!holds) std::abort();
}

inline std::string_view as_text(const std::uint8_t* octets, std::size_t size) {
  return {reinterpret_cast<const char*>(octets), size};
}

}  // namespace signet::fuzz
