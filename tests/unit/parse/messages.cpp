#include "tests/unit/parse/messages.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace signet::parse {

std::filesystem::path corpus() {
  const char* const given = std::getenv("SIGNET_CORPUS");
  const std::filesystem::path folder =
      given != nullptr ? given : std::filesystem::path(SIGNET_SOURCE_DIR) / "../shared/corpus";
  return std::filesystem::is_directory(folder) ? folder : std::filesystem::path();
}

std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".eml") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::string read_message(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string raw{std::istreambuf_iterator<char>(in), {}};
  std::string out;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\n' && (i == 0 || raw[i - 1] != '\r')) out += '\r';
    out += raw[i];
  }
  return out;
}

std::pair<std::string, std::string> cut(const std::string& message) {
  if (message.starts_with("\r\n")) return {"", message.substr(2)};
  const std::size_t end = message.find("\r\n\r\n");
  if (end == std::string::npos) return {message, ""};
  return {message.substr(0, end + 2), message.substr(end + 4)};
}

MessageHeader header_of(std::string block) {
  return MessageHeader::parse(std::move(block), HeaderLimits{}).value();
}

}  // namespace signet::parse
