#include <algorithm>
#include <deque>
#include <fstream>

#include "relay/report/delivery_log.hpp"

namespace signet::report {
namespace {

constexpr std::streamoff kMostRead = 256LL << 20;

}  // namespace

std::vector<std::string> facts_about(const std::filesystem::path& file, QueueId id,
                                     std::size_t limit) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) return {};
  std::ifstream log(file, std::ios::binary);
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(file, error));
  if (error || !log) return {};
  std::string line;
  if (size > kMostRead) {
    log.seekg(size - kMostRead);
    std::getline(log, line);  // Cut at its beginning.
  }
  const std::string quoted = '"' + id.to_string() + '"';
  const std::string named = "\"id\":" + quoted;
  const std::string about = "\"about\":" + quoted;
  std::deque<std::string> found;
  while (std::getline(log, line)) {
    if (line.find(quoted) == std::string::npos) continue;
    if (line.find(named) == std::string::npos && line.find(about) == std::string::npos) continue;
    if (found.size() == limit) found.pop_front();
    found.push_back(std::move(line));
  }
  return {std::make_move_iterator(found.begin()), std::make_move_iterator(found.end())};
}

}  // namespace signet::report
