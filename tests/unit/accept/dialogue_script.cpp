#include "tests/unit/accept/dialogue_script.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>

namespace signet::accept::test {
namespace {

unsigned number(std::string_view text, int base = 10) {
  unsigned value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

/// The octets an escape at the front of `text` stands for; `used` octets of it.
std::string unescape_one(std::string_view text, std::size_t& used) {
  used = 2;
  if (text.starts_with("\\r")) return "\r";
  if (text.starts_with("\\n")) return "\n";
  if (text.starts_with("\\0")) return std::string(1, '\0');
  if (text.starts_with("\\\\")) return "\\";
  if (text.starts_with("\\x")) {
    used = 4;
    return std::string(1, static_cast<char>(number(text.substr(2, 2), 16)));
  }
  const std::size_t close = text.find('}');
  if (text.starts_with('{') && text.size() > 3 && text[2] == '*' && close != text.npos) {
    used = close + 1;
    return std::string(number(text.substr(3, close - 3)), text[1]);
  }
  used = 1;
  return std::string(text.substr(0, 1));
}

std::string unescape(std::string_view text) {
  std::string octets;
  std::size_t used = 0;
  for (; !text.empty(); text.remove_prefix(used)) octets += unescape_one(text, used);
  return octets;
}

void read_line(const std::string& text, int line_number, Script& script) {
  const std::string mark = text.substr(0, 2);
  const std::string rest = text.size() > 3 ? text.substr(3) : "";
  if (text.empty() || mark[0] == '#') return;
  if (mark[0] == '!') {
    const std::string setting = text.substr(2);
    const std::size_t space = std::min(setting.find(' '), setting.size());
    const std::string value = space < setting.size() ? setting.substr(space + 1) : "";
    script.settings.push_back({setting.substr(0, space), number(value)});
  } else if (mark == "S:") {
    script.lines.push_back({Turn::server, rest, line_number});
  } else if (mark == "C:") {
    script.lines.push_back({Turn::client, unescape(rest) + "\r\n", line_number});
  } else if (mark == "C>") {
    script.lines.push_back({Turn::client, unescape(rest), line_number});
  } else if (mark == "T:") {
    script.lines.push_back({Turn::handshake, "", line_number});
  } else if (mark == "E:") {
    script.lines.push_back({Turn::end, "", line_number});
  } else if (mark == "M:") {
    script.messages.push_back(rest);
  } else {
    script.problem = "line " + std::to_string(line_number) + ": " + text;
  }
}

bool must_be_last(std::string_view line) {
  constexpr std::string_view kVerbs[] = {"EHLO", "HELO", "DATA", "AUTH", "STARTTLS", "QUIT"};
  return std::ranges::any_of(kVerbs, [&](auto verb) { return line.starts_with(verb); });
}

}  // namespace

Script read_script(const std::filesystem::path& file) {
  Script script;
  script.name = file.stem();
  std::ifstream stream(file);
  std::string text;
  for (int line_number = 1; std::getline(stream, text); ++line_number) {
    read_line(text, line_number, script);
  }
  return script;
}

std::vector<std::filesystem::path> all_scripts() {
  const std::filesystem::path folder(SIGNET_SOURCE_DIR "/tests/dialogues");
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

Script pipelined(Script script) {
  std::vector<Line> lines;
  std::size_t group = std::string::npos;  // Where more may be said; npos: an answer is needed.
  bool in_data = false;
  bool is_challenged = false;
  for (Line& line : script.lines) {
    const bool is_from_client = line.turn == Turn::client;
    if (!is_from_client) {
      if (line.turn != Turn::server) group = std::string::npos;
      in_data = in_data || line.text.starts_with("354");
      is_challenged = line.text.starts_with("334");
      lines.push_back(std::move(line));
      continue;
    }
    const bool needs_answer = is_challenged || (!in_data && must_be_last(line.text));
    in_data = in_data && line.text != ".\r\n";
    if (group == std::string::npos) {
      group = lines.size();
      lines.push_back(std::move(line));
    } else {
      lines[group].text += line.text;
    }
    if (needs_answer) group = std::string::npos;
  }
  script.lines = std::move(lines);
  return script;
}

}  // namespace signet::accept::test
