// Real mail for tests: the files of a corpus outside the project, where there is one.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "relay/parse/message_header.hpp"

namespace signet::parse {

/// Of SIGNET_CORPUS, or beside the project; empty path when absent.
[[nodiscard]] std::filesystem::path corpus();
/// All files below the folder, sorted.
[[nodiscard]] std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder);
/// With CRLF line ends: a bare LF is made one.
[[nodiscard]] std::string read_message(const std::filesystem::path& file);
/// The header block and the body of a message: cut at its first empty line.
[[nodiscard]] std::pair<std::string, std::string> cut(const std::string& message);
/// A header that must parse.
[[nodiscard]] MessageHeader header_of(std::string block);

}  // namespace signet::parse
