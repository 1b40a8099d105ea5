#include "relay/admin/paging.hpp"

#include <charconv>

namespace signet::admin {
namespace {

constexpr std::size_t kDefault = 100;
constexpr std::size_t kMost = 1000;

}  // namespace

Result<std::size_t> page_limit(const Parameters& parameters) {
  const auto found = parameters.find("limit");
  if (found == parameters.end()) return kDefault;
  const std::string& text = found->second;
  std::size_t limit = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error != std::errc{} || end != text.data() + text.size() || limit == 0 || limit > kMost)
    return fail(Fault::bad_parameter, {}, "limit is from 1 to 1000");
  return limit;
}

}  // namespace signet::admin
